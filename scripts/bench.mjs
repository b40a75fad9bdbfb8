// `npm run bench`: every benchmark, or those named after `--`. The table goes to bench/README.md.
import { become, installDebianPackages, installPackages } from './setup.mjs';

installPackages();
installDebianPackages('bench');
become('bench/src/main.ts', process.argv.slice(2));
