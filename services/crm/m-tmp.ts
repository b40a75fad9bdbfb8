import { startPostgres } from '@psa/infra/postgres-server';
import { provision } from '@psa/infra/database/provision';
import { migrate } from '@psa/infra/database/migrate';
import { Database } from '@psa/service-kit/database';
import { createLogger } from '@psa/service-kit/log';
import { systemContext } from '@psa/service-kit/context';
import { systemIds } from '@psa/service-kit/ids';
import { importCsv } from './src/csv/import.ts';
import { newCustomer } from './src/customers/service.ts';
import { insertCustomers } from './src/customers/repository.ts';
import { customers } from './src/db/schema.ts';
import { Readable } from 'node:stream';
import postgres from 'postgres';
const server = await startPostgres({ dataDir: '/tmp/crmwork/pg', durable: true });
const root = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
await root.unsafe('create database m'); await root.end();
const admin = postgres(server.superuserUrl('m'), { max: 2, onnotice: () => {} });
await provision(admin, [{ service: 'crm', password: 'x' }]);
await migrate(admin, [{ service: 'crm', folder: new URL('./src/db/migrations/', import.meta.url) }]);
const u = new URL(server.superuserUrl('m')); u.username = 'psa_crm'; u.password='x';
const db = new Database({ url: u.href }); const clock = { now: () => new Date() }; const ids = systemIds; const log = createLogger({service:'m', level:'warn'});
const deps = { db, relay: { kick(){} }, ids, clock, log } as never; const T = crypto.randomUUID(); const ctx = systemContext(T,'m');
let n=1; for (const kind of ['sql','orm','sql','orm']) { let ti=0; await db.tx(ctx.scope, async tx => { for (let c=0;c<6;c++) { const list = Array.from({length:500},()=>newCustomer(deps,crypto.randomUUID() && T,n,{name:`Alt ${n}`,email:`x${n}@firma.example`,source:'s',external_id:`X${n++}`} as never)); const t=performance.now(); if (kind==='sql') await insertCustomers(tx, list); else await tx.orm.insert(customers).values(list).returning(); ti+=performance.now()-t; } }); console.log(kind, Math.round(ti/6), 'ms per 500'); }
const m = 20000; const file = 'name;email;external_id\n' + Array.from({length:m},(_,i)=>`Firma Nummer ${i};info${i}@firma.example;E${i}`).join('\n');
for (const [name, text, dry] of [['dry', file, true], ['real', file, false], ['update', file.replaceAll('@firma','@firma2'), false], ['unchanged', file.replaceAll('@firma','@firma2'), false]] as const) { const t = performance.now(); const r = await importCsv(deps, ctx, Readable.from([Buffer.from(text)]), dry); console.log(name, m, r.taken, Math.round(performance.now()-t), 'ms'); }
console.log('rss', Math.round(process.memoryUsage().rss/1e6)); 
await db.close(); await admin.end(); await server.stop();
