import type { components } from './schema'

type Schemas = components['schemas']

export type User = Schemas['User']
export type Person = Schemas['Person']
export type Session = Schemas['Session']
export type SignedIn = Schemas['SignedIn']
export type Room = Schemas['Room']
export type OpenRoom = Schemas['OpenRoom']
export type NewRoom = Schemas['NewRoom']
export type Member = Schemas['Member']
export type RoomEvent = Schemas['Event']
export type EventPage = Schemas['EventPage']
