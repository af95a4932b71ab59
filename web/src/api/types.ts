/** Our names for what the server sends; the shapes are generated from its OpenAPI document. */
import type { components } from './schema'

type Schemas = components['schemas']

export type User = Schemas['User']
export type Person = Schemas['Person']
export type Session = Schemas['Session']
export type Token = Schemas['Token']
export type NewToken = Schemas['NewToken']
export type IssuedToken = Schemas['IssuedToken']
export type Bot = Schemas['Bot']
export type Hook = Schemas['Hook']
export type NewHook = Schemas['NewHook']
export type MadeHook = Schemas['MadeHook']
export type Command = Schemas['Offered']
export type Ran = Schemas['Ran']
export type Webhook = Schemas['Webhook']
export type WebhookWithSecret = Schemas['WebhookWithSecret']
export type JobCounts = Schemas['JobCounts']
export type JobPage = Schemas['JobPage']
export type StoredJob = Schemas['StoredJob']
export type SignedIn = Schemas['CurrentSession']
export type Confirmation = Partial<Schemas['Confirmation']>
export type Renewed = Schemas['Renewed']
export type SecondFactor = Schemas['State']
export type Enrolment = Schemas['Enrolment']
export type Room = Schemas['Room']
export type OpenRoom = Schemas['OpenRoom']
export type NewRoom = Schemas['NewRoom']
export type Member = Schemas['Member']
export type EventPage = Schemas['Page']

export type RoomEvent = Schemas['Event']
