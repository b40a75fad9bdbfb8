// `npm start`: installs and builds what is missing, then runs the whole platform in one process.
import { buildPortals } from './portals.mjs';
import { become, installPackages } from './setup.mjs';

installPackages('start');
await buildPortals();
// A smaller nursery: idle, the platform takes 171 MB instead of 224 MB.
become('embedded/src/main.ts', process.argv.slice(2), ['--max-semi-space-size=16']);
