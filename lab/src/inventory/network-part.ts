/** VLANs, hosts and flows of the lab: those of the example inventory. */
export const NETWORK_PART = `vlans:
  - id: 10
    name: management
    bridge: vmbr0
    subnet: 10.0.10.0/24
    gateway: 10.0.10.1
    internet: true
    dhcp: { from: 10.0.10.100, to: 10.0.10.200 }
  - { id: 20, name: services, bridge: vmbr0, subnet: 10.0.20.0/24, gateway: 10.0.20.1, internet: true }
  - { id: 30, name: database, bridge: vmbr0, subnet: 10.0.30.0/24, gateway: 10.0.30.1, internet: false }
  - { id: 40, name: dmz, bridge: vmbr0, subnet: 10.0.40.0/24, gateway: 10.0.40.1, internet: false }
  - { id: 50, name: backup, bridge: vmbr0, subnet: 10.0.50.0/24, gateway: 10.0.50.1, internet: false }

hosts:
  - { name: storage, address: 10.0.50.10 }

firewall: { trunk: igb1, wan: wan }

# Everything that is allowed across VLANs. Within a VLAN nothing is filtered; what no line names is blocked.
flows:
  - { from: internet, to: edge, protocol: tcp, ports: [80, 443], why: portals and API }
  - { from: management, to: edge, protocol: tcp, ports: [80, 443], why: portals and API for the MSP itself }
  - { from: haproxy, to: services, protocol: tcp, ports: [3000], why: requests to the services }
  - { from: services, to: edge, protocol: tcp, ports: ["3001-3010"], why: services ask each other }
  - {
      from: haproxy,
      to: postgres,
      protocol: tcp,
      ports: [6432, 8008],
      why: PgBouncer and the role of each member,
    }
  - {
      from: services,
      to: edge,
      protocol: tcp,
      ports: [5432, 5433],
      why: database by role (primary and replicas),
    }
  - { from: services, to: rabbitmq, protocol: tcp, ports: [5672], why: events }
  - { from: services, to: redis, protocol: tcp, ports: [6379, 26379], why: cache and its Sentinels }
  - { from: services, to: internet, protocol: tcp, ports: [443, 587, 993], why: webhooks and mail }
  - {
      from: management,
      to: services,
      protocol: tcp,
      ports: ["3000-3010"],
      why: health and metrics of the services,
    }
  - { from: management, to: postgres, protocol: tcp, ports: [5432], why: migrations and administration }
  - { from: management, to: rabbitmq, protocol: tcp, ports: [15672], why: administration of the broker }
  - { from: monitoring, to: services, protocol: tcp, ports: [9100], why: metrics of the machines }
  - {
      from: monitoring,
      to: database,
      protocol: tcp,
      ports: [2379, 8008, 9100, 9121, 15692],
      why: metrics of the data,
    }
  - { from: monitoring, to: dmz, protocol: tcp, ports: [8405, 9100], why: metrics of HAProxy }
  - { from: management, to: internet, protocol: tcp, ports: [80, 443, 587], why: packages and alert mail }
  - { from: nodes, to: storage, protocol: tcp, ports: [2049], why: shared storage and backups }
  - { from: postgres, to: storage, protocol: tcp, ports: [22], why: archive of the write-ahead log }
  - { from: management, to: firewall, protocol: udp, ports: [53, 123], why: names and time }
  - { from: services, to: firewall, protocol: udp, ports: [53, 123], why: names and time }
  - { from: database, to: firewall, protocol: udp, ports: [53, 123], why: names and time }
  - { from: dmz, to: firewall, protocol: udp, ports: [53, 123], why: names and time }
  - { from: management, to: firewall, protocol: tcp, ports: [443], why: administration of the firewall }
`;
