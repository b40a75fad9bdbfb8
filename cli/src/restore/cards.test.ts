import { describe, expect, it } from 'vitest';
import { cardsApart, cardTrouble } from './cards.ts';

const RAW = new Map([
  ['hostname', 'psa-redis-1'],
  ['net0', 'name=eth0,bridge=vmbr0,gw=10.0.30.1,hwaddr=BC:24:11:25:08:72,ip=10.0.30.30/24,tag=30,type=veth'],
  ['net1', 'name=eth1,bridge=vmbr1,hwaddr=BC:24:11:25:08:73,ip=dhcp,type=veth'],
]);
const apart = () => cardsApart(RAW, (_, key) => (key === 'net0' ? { ip: '10.0.30.240/24' } : {}));

describe('the cards of what is restored beside', () => {
  it('are all named, with their cables out and no hardware address of a card that runs', () => {
    expect(apart()).toEqual({
      net0: 'name=eth0,bridge=vmbr0,gw=10.0.30.1,ip=10.0.30.240/24,link_down=1,tag=30,type=veth',
      net1: 'name=eth1,bridge=vmbr1,ip=dhcp,link_down=1,type=veth',
    });
  });

  it('are as they were asked for before it is started', () => {
    const made = {
      net0: 'name=eth0,bridge=vmbr0,gw=10.0.30.1,hwaddr=BC:24:11:00:00:01,ip=10.0.30.240/24,link_down=1,tag=30,type=veth',
      net1: 'name=eth1,bridge=vmbr1,hwaddr=BC:24:11:00:00:02,ip=dhcp,link_down=1,type=veth',
      memory: 128,
    };
    expect(cardTrouble(made, apart())).toBeNull();
    const wrong = (net0: string, key = 'net0') => cardTrouble({ ...made, [key]: net0 }, apart());
    // What Proxmox VE 9.2 makes of a request with "unique".
    expect(wrong(RAW.get('net0')!)).toBe('the cable of net0 is not out');
    expect(wrong(`${RAW.get('net0')},link_down=1`)).toBe('net0 has the address 10.0.30.30/24');
    expect(wrong(made.net0.replace('tag=30', 'tag=20'))).toBe('net0 is in another network');
    expect(wrong(`${RAW.get('net1')},link_down=1`, 'net2')).toBe('it has a net2 that nobody asked for');
  });
});
