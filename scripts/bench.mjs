// `npm run bench`: every benchmark, or those named after `--`. The table goes to bench/README.md.
import { become, installPackages, prepareMachine } from './setup.mjs';

installPackages();
prepareMachine('bench');
become('bench/src/main.ts', process.argv.slice(2));
