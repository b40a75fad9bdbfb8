/** Line icons on a 16 px grid, one path each. */
const PATHS = {
  alert: 'M8 2 14.5 13.5h-13zM8 6.5v3M8 11.6v.1',
  arrowDown: 'M8 3v10M4 9l4 4 4-4',
  arrowUp: 'M8 13V3M4 7l4-4 4 4',
  building: 'M3 14V3h7v11M10 6.5h3V14M5.5 5.5h2M5.5 8h2M5.5 10.5h2M2 14h12',
  chart: 'M2.5 13.5h11M4.5 11V7.5M8 11V3.5M11.5 11V6',
  check: 'M3 8.5 6.5 12 13 4.5',
  chevronDown: 'M4 6l4 4 4-4',
  chevronLeft: 'M10 4 6 8l4 4',
  chevronRight: 'M6 4l4 4-4 4',
  circle: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z',
  circleCheck: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM5.5 8.2l1.8 1.8 3.2-3.6',
  circleDot: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 6.4a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2z',
  circleHalf: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 2.5v11M8 5h4M8 8h5.4M8 11h4',
  clock: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3l2 1.6',
  close: 'M4 4l8 8M12 4l-8 8',
  cloudOff: 'M2 2l12 12M5 6.2A3.5 3.5 0 0 0 4.7 13H11M7 4.2a4 4 0 0 1 4.9 3.2A2.8 2.8 0 0 1 13.6 11',
  columns: 'M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10',
  dots: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
  download: 'M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10',
  file: 'M4 2.5h5l3 3v8H4zM9 2.5v3h3',
  filter: 'M2.5 4h11M4.5 8h7M6.5 12h3',
  home: 'M2.5 8 8 3l5.5 5M4 7v6.5h8V7',
  inbox: 'M2.5 9.5 4.5 3h7l2 6.5v4h-11zM2.5 9.5h3.2a2.3 2.3 0 0 0 4.6 0h3.2',
  info: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 7.3V11M8 5.1v.1',
  link: 'M6.8 9.2a2.5 2.5 0 0 0 3.5 0l2.3-2.3a2.5 2.5 0 0 0-3.500-3.500L8 4.500M9.200 6.800a2.5 2.5 0 0 0-3.500 0L3.400 9.100a2.5 2.5 0 0 0 3.500 3.500L8 11.500',
  lock: 'M3.5 7h9v6.5h-9zM5.5 7V5a2.5 2.5 0 0 1 5 0v2',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  minus: 'M3.5 8h9',
  note: 'M3 2.5h10v7.5l-3.5 3.5H3zM9.5 13.5V10H13',
  paperclip: 'M12.5 7.5 8 12a2.8 2.8 0 0 1-4-4l5-5a1.9 1.9 0 0 1 2.7 2.7l-4.8 4.8a.9.9 0 0 1-1.3-1.3l4.1-4.1',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.5v9l7.5-4.5z',
  plus: 'M8 3v10M3 8h10',
  print:
    'M4.5 6V2.5h7V6M4.5 11.5H3a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v3.5a1 1 0 0 1-1 1h-1.5M4.5 9.5h7v4h-7z',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3l3.4 3.4',
  signal1: 'M3.5 13v-3',
  signal2: 'M3.5 13v-3M8 13V6.5',
  signal3: 'M3.5 13v-3M8 13V6.5M12.5 13V3',
  stop: 'M4.5 4.5h7v7h-7z',
  tag: 'M2.5 2.5h5.2l5.8 5.8-5.2 5.2-5.8-5.8zM5.5 5.5h.1',
  ticket: 'M2.5 4h11v2.6a1.5 1.5 0 0 0 0 2.8V12h-11V9.4a1.5 1.5 0 0 0 0-2.8zM9.5 4.5v1M9.5 7.5v1M9.5 10.5v1',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9',
  user: 'M8 2.5a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4zM3 13.5c.4-2.6 2.3-4 5-4s4.6 1.4 5 4',
  users:
    'M6 3a2.4 2.4 0 1 1 0 4.8A2.4 2.4 0 0 1 6 3zM1.8 13c.3-2.3 1.9-3.5 4.2-3.5s3.9 1.2 4.2 3.5M10.5 3.2a2.3 2.3 0 0 1 0 4.4M12 9.8c1.3.5 2 1.600 2.200 3.200',
  settings:
    'M8 5.8a2.2 2.200 0 1 1 0 4.400a2.200 2.200 0 0 1 0-4.400zM8 2v1.800M8 12.200V14M2 8h1.800M12.200 8H14M3.800 3.800l1.200 1.200M11 11l1.200 1.200M12.200 3.800 11 5M5 11l-1.200 1.200',
  write: 'M11 2.8 13.2 5 6 12.200l-3 .8.8-3z',
} as const;

export type IconName = keyof typeof PATHS;

/** Decorative: always beside a text or inside a labelled control. */
export function Icon({ name, className }: { name: IconName; className?: string }) {
  return (
    <svg
      className={className ? `icon ${className}` : 'icon'}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
