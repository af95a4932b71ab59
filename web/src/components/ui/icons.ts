/** Line icons of our own, drawn on 24 by 24. */
export const ICONS = {
  add: 'M12 5v14M5 12h14',
  back: 'M15 5l-7 7 7 7',
  browse: 'M4 6h10M4 12h7M4 18h5M17 20a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm3-1l2.5 2.5',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2',
  close: 'M6 6l12 12M18 6L6 18',
  down: 'M12 5v14M6 13l6 6 6-6',
  leave: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z',
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a3.5 3.5 0 0 1 0 6M18 14.5a6.5 6.5 0 0 1 3.5 5.5',
  send: 'M5 12l-1-8 17 8-17 8 1-8zm0 0h8',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 1M17.4 17.4l1 1M18.4 5.6l-1 1M6.6 17.4l-1 1',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  screen: 'M4 5h16v11H4zM9 20h6M12 16v4',
  key: 'M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm4-4h9M18 12v3M21 12v2',
  bot: 'M6 9h12v10H6zM12 9V5M12 4.5v.5M9.5 13v1M14.5 13v1M3 12v4M21 12v4',
  hook: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7L12 7.1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7l1.3-1.3',
  settings: 'M4 7h9M17 7h3M15 9.5v-5M4 17h3M11 17h9M9 19.5v-5',
  device: 'M4 5h16v11H4zM2 19h20',
  shield: 'M12 3l7.5 3v5.5c0 4.6-3 8-7.5 9.5-4.5-1.5-7.5-4.9-7.5-9.5V6zM8.8 12l2.3 2.3 4.2-4.4',
  phone: 'M7 3h10v18H7zM11 18h2',
  check: 'M5 12.5l4.5 4.5L19 7',
  list: 'M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01',
  more: 'M8 10l4 4 4-4',
  warning: 'M12 4l9 16H3zM12 10v4M12 17v.5',
} as const

export type IconName = keyof typeof ICONS
