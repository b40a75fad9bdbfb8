import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogMailer } from './log-mailer.ts';
import { SmtpMailer } from './smtp-mailer.ts';

describe('SmtpMailer', () => {
  let server: Server;
  let sockets: Set<Socket>;
  let mails: { recipients: string[]; data: string }[];
  let refuse: string | null;
  let url: string;

  beforeEach(async () => {
    mails = [];
    refuse = null;
    sockets = new Set();
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      speakSmtp(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  /** As much of a mail server (RFC 5321) as a client needs to hand over a mail. */
  function speakSmtp(socket: Socket): void {
    let recipients: string[] = [];
    let data: string[] | null = null;
    socket.write('220 test\r\n');
    createInterface({ input: socket }).on('line', (line) => {
      if (data) {
        if (line !== '.') {
          data.push(line);
          return;
        }
        mails.push({ recipients, data: data.join('\n') });
        recipients = [];
        data = null;
      } else if (line.startsWith('RCPT TO:')) {
        if (refuse) {
          socket.write(`${refuse}\r\n`);
          return;
        }
        recipients.push(line.slice(8));
      } else if (line === 'DATA') {
        data = [];
        socket.write('354 go on\r\n');
        return;
      }
      socket.write('250 ok\r\n');
    });
  }

  it('hands a mail over, umlauts and all', async () => {
    const mailer = new SmtpMailer({ url, from: 'Service Desk <desk@example.com>' });
    await mailer.ping();
    await mailer.send({ to: 'kunde@example.com', subject: 'Grüße', text: 'Ihr Ticket wurde gelöst.' });
    await mailer.close();
    expect(mails).toHaveLength(1);
    expect(mails[0]!.recipients).toEqual(['<kunde@example.com>']);
    expect(mails[0]!.data).toContain('From: Service Desk <desk@example.com>');
    expect(mails[0]!.data).toContain('Auto-Submitted: auto-generated');
    expect(mails[0]!.data).toMatch(/Ihr Ticket wurde gel=C3=B6st\./);
  });

  it('lets nobody smuggle in headers or recipients', async () => {
    const mailer = new SmtpMailer({ url, from: 'desk@example.com' });
    await mailer.send({
      to: 'a@example.com',
      subject: 'x\r\nBcc: evil@example.com',
      text: '.\r\nRCPT TO:<evil@example.com>',
    });
    await mailer.send({ to: 'a@example.com, evil@example.com', subject: 'x', text: 'x' }).catch(() => {});
    await mailer.close();
    expect(mails[0]!.data).not.toMatch(/^Bcc:/m);
    expect(mails.flatMap((mail) => mail.recipients)).not.toContain('<evil@example.com>');
  });

  it('fails when the server refuses, or is not there', async () => {
    const mailer = new SmtpMailer({ url, from: 'desk@example.com', timeoutMs: 2_000 });
    refuse = '550 no such user';
    await expect(mailer.send({ to: 'a@example.com', subject: 'x', text: 'x' })).rejects.toThrow(/550/);
    for (const socket of sockets) socket.destroy();
    server.close();
    await expect(mailer.ping()).rejects.toThrow();
    await expect(mailer.send({ to: 'a@example.com', subject: 'x', text: 'x' })).rejects.toThrow();
    await mailer.close();
  });
});

describe('LogMailer', () => {
  it('writes mails to the log and keeps the last hundred', async () => {
    const lines: string[] = [];
    const mailer = new LogMailer({ log: { info: (line) => lines.push(line), warn: () => {} } });
    for (let i = 1; i <= 105; i++)
      await mailer.send({ to: 'a@example.com', subject: `No. ${i}`, text: 'Hello' });
    expect(mailer.sent).toHaveLength(100);
    expect(mailer.sent[0]!.subject).toBe('No. 6');
    expect(lines).toHaveLength(105);
    expect(lines[104]).toBe('Mail to a@example.com: No. 105\nHello');
  });
});
