// `npm start`: installs and builds what is missing, then runs the whole platform in one process.
import { buildPortals } from './portals.mjs';
import { become, installPackages } from './setup.mjs';

installPackages();
await buildPortals();
become('embedded/src/main.ts', process.argv.slice(2));
