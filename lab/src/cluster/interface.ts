/** A network interface as a node's file has it; numbers are numbers where Proxmox VE gives numbers. */
export type Interface = Record<string, unknown> & { readonly type: string };
export type Interfaces = Readonly<Record<string, Interface>>;
