// `npm start`: installs and builds what is missing, then runs the whole platform in one process.
import { buildPortals } from './portals.mjs';
import { become, installPackages, PLATFORM_FLAGS } from './setup.mjs';

installPackages('start');
await buildPortals();
become('embedded/src/main.ts', process.argv.slice(2), PLATFORM_FLAGS);
