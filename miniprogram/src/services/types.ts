// The API's types, as the backend writes them (`/openapi.json` is the reference).

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

// --- who ---

export interface Me {
  id: string
  /** None once the number has gone to somebody else. */
  phone: string | null
  name: string | null
  id_number: string | null
  sex: Sex | null
  birth_on: string | null
  real_name: boolean
  openids: { mini: boolean; oa: boolean }
  settings: Settings
  created_at: string
}

/** What the real-name check answers: the resident, and a token that says so. */
export type RealNameDone = Me & { access_token: string }

export type Sex = 'male' | 'female'

export interface Settings {
  large_type: boolean
}

export interface TokenPair {
  access_token: string
  token_type: string
  expires_in: number
  refresh_token: string
  resident: Me
}

/** A sign-in that either worked or needs a phone number first. */
export interface LoginAnswer {
  tokens: TokenPair | null
  phone_needed: boolean
  login_ticket: string | null
}

export type Relation = 'self' | 'child' | 'parent' | 'spouse' | 'other'

export interface Patient {
  id: string
  relation: Relation
  name: string
  id_number: string
  sex: Sex
  birth_on: string
  age: number
  state: 'active' | 'pending'
}

/** Someone who acts, or asks to act, for me. */
export interface Guardian {
  id: string
  name: string
  relation: Relation
  state: 'active' | 'pending'
  created_at: string
}

// --- health code ---

export interface DynamicCode {
  text: string
  issued_at: string
  expires_at: string
  ttl_s: number
  refresh_after_s: number
}

export interface StaticCode {
  id: string
  patient_id: string
  text: string
  svg: string
  created_at: string
}

export interface CodeUse {
  id: string
  patient_id: string
  organization_name: string
  terminal_name: string
  step: string
  step_name: string
  at: string
  offline: boolean
  flagged: boolean
}

// --- directory ---

export interface Organization {
  id: string
  name: string
  short_name: string
  /** Codes; the names are for people. */
  level: string
  level_name: string
  kind: string
  kind_name: string
  address: string
  district: string
  phone: string
  lat: number | null
  lng: number | null
}

export interface Department {
  id: string
  organization_id: string
  name: string
  code: string
  place: string
  /** What a vaccination clinic gives. */
  offer: Offer | null
}

export interface Offer {
  services: Coding[]
  products: Coding[]
  doses: number[]
}

export interface Coding {
  system: string
  code: string
  display: string
}

export interface Practitioner {
  id: string
  organization_id: string
  name: string
  title: string
  specialty: string
  intro: string
  department_ids: string[]
}

/** Departments and doctors of different hospitals bear the same names: each says whose it is. */
interface Owned {
  organization_name: string
}

export interface SearchResult {
  organizations: Organization[]
  departments: (Department & Owned)[]
  practitioners: (Practitioner & Owned)[]
}

// --- schedules and slots ---

export type Period = 'am' | 'pm' | 'evening' | 'night' | 'day'
export type ScheduleKind = 'general' | 'expert' | 'special' | 'vaccination'

export interface PractitionerBrief {
  id: string
  name: string
  title: string
}

export interface Session {
  schedule_id: string
  practitioner: PractitionerBrief | null
  period: Period
  kind: ScheduleKind
  fee_fen: number
  free: number
  total: number
  state: 'open' | 'full' | 'stopped' | 'past'
}

export interface AvailableDay {
  on: string
  free: number
  sessions: Session[]
}

export interface Availability {
  department_id: string
  days: AvailableDay[]
}

export interface Slot {
  number: number
  start_at: string
  end_at: string
  state: 'free' | 'taken' | 'reserved' | 'past'
}

export interface Schedule {
  id: string
  organization: { id: string; name: string }
  department: { id: string; name: string; place: string }
  practitioner: PractitionerBrief | null
  on: string
  period: Period
  kind: ScheduleKind
  fee_fen: number
  state: Session['state']
  free: number
  total: number
  /** The publisher's own way to book, where there is one. */
  booking_url: string | null
  booking_phone: string | null
  slots: Slot[]
}

// --- appointments and payment ---

export type AppointmentState = 'held' | 'booked' | 'cancelled' | 'expired' | 'stopped' | 'released'
export type PaymentState = 'none' | 'due' | 'paying' | 'paid' | 'closed' | 'refunding' | 'refunded' | 'refund_failed'

export interface AppointmentPayment {
  state: PaymentState
  order_id: string | null
  amount_fen: number
  paid_at: string | null
  refunded_at: string | null
}

/** Today's queue: null before the hospital's first call, and on another day than the appointment's. */
export interface QueuePosition {
  number: number
  called: number | null
  ahead: number | null
  is_over: boolean
  called_at: string | null
}

export interface Appointment {
  id: string
  state: AppointmentState
  hold_until: string | null
  schedule_id: string
  organization: { id: string; name: string; address: string }
  department: { id: string; name: string; place: string }
  practitioner: PractitionerBrief | null
  on: string
  period: Period
  number: number
  start_at: string
  end_at: string
  patient: { id: string; name: string | null }
  fee_fen: number
  channel: string
  payment: AppointmentPayment
  created_at: string
  cancelled_at: string | null
  cancel_reason: string | null
  /** When the hospital said that nobody came. */
  missed_at: string | null
  can_cancel: boolean
  /** The last moment to cancel. */
  cancel_by: string | null
}

export type PaymentMethod = 'wechat_mini' | 'wechat_jsapi' | 'wechat_native'

export interface PaymentParams {
  appId?: string
  timeStamp: string
  nonceStr: string
  package: string
  signType: string
  paySign: string
}

export interface PaymentOrder {
  order_id: string
  amount_fen: number
  expires_at: string
  method: PaymentMethod
  params: PaymentParams | null
  code_url: string | null
}

// --- messages and settings of the city ---

export interface Message {
  id: string
  kind: string
  title: string
  body: string
  appointment_id: string | null
  created_at: string
  read_at: string | null
  deliveries: { channel: 'sms' | 'wechat'; state: string }[]
}

export type MessageGroup = 'notices' | 'reminders' | 'surveys'

export interface OptOut {
  group: MessageGroup
  by: 'sms' | 'resident'
  at: string
}

export interface CityConfig {
  city_name: string
  city_code: string
  wechat: { mini_app_id: string; oa_app_id: string; subscribe_templates: Record<string, string> }
  hold_minutes: number
  booking_days: number
  time_zone: string
}
