import { ArtefactError } from '@psa/recovery/artefact';
import type { Cluster } from '../site/cluster.ts';
import { type Part, takeFile } from './part.ts';

/** What RabbitMQ is made of: users, permissions, exchanges, queues, policies. Messages are not in it: each is in an outbox. */
export async function rabbitmqPart(cluster: Cluster): Promise<Part> {
  const [member] = await cluster.running('rabbitmq');
  const base = { item: 'rabbitmq' as const, name: 'rabbitmq' };
  if (!member) return { ...base, how: '', skip: 'no member of RabbitMQ runs', take: async () => null };
  const { id, name } = member;
  return {
    ...{ ...base, how: `definitions from ${name}`, skip: null },
    take: (run) =>
      takeFile(run, 'rabbitmq', {
        async fill(into) {
          const text = await cluster.must(id, ['rabbitmqctl', '-q', 'export_definitions', '-'], {
            timeoutMs: 120_000,
          });
          const version = versionOf(text);
          into.write(text);
          return { from: { container: id, name }, version, warnings: [] };
        },
      }),
  };
}

/** @throws ArtefactError when it is no list of definitions */
function versionOf(text: string): string {
  try {
    const { rabbitmq_version: version, users } = JSON.parse(text) as {
      rabbitmq_version?: string;
      users?: unknown;
    };
    if (typeof version === 'string' && Array.isArray(users)) return version;
  } catch {
    // Said below.
  }
  throw new ArtefactError('Unable to back up RabbitMQ: what it sent is no list of definitions.');
}
