// The API's types, as the backend writes them (`/openapi.json` is the reference).

export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

// --- who ---

export interface Me {
  id: string
  phone: string
  name: string | null
  id_number: string | null
  sex: Sex | null
  birth_on: string | null
  real_name: boolean
  openids: { mini: boolean; oa: boolean }
  settings: Settings
  created_at: string
}

export type Sex = 'male' | 'female' | 'unknown'

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
  sex: Sex | null
  birth_on: string | null
  age: number | null
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
  patient_id?: string
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
  short_name: string | null
  level: string | null
  kind: string | null
  address: string | null
  district: string | null
  phone: string | null
  lat: number | null
  lng: number | null
}

export interface Department {
  id: string
  organization_id: string
  name: string
  code: string | null
  place: string | null
  /** Only in search results. */
  organization_name?: string
}

export interface Practitioner {
  id: string
  name: string
  title: string | null
  specialty: string | null
  intro: string | null
  department_ids: string[]
  /** Only in search results. */
  organization_id?: string
  organization_name?: string
}

export interface SearchResult {
  organizations: Organization[]
  departments: Department[]
  practitioners: Practitioner[]
}

// --- schedules and slots ---

export type Period = 'am' | 'pm' | 'evening' | 'night' | 'day'
export type ScheduleKind = 'general' | 'expert' | 'special' | 'vaccination'

export interface PractitionerBrief {
  id: string
  name: string
  title: string | null
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
  department: { id: string; name: string; place: string | null }
  practitioner: PractitionerBrief | null
  on: string
  period: Period
  kind: ScheduleKind
  fee_fen: number
  state: string
  free: number
  total: number
  slots: Slot[]
}

// --- appointments and payment ---

export type AppointmentState = 'held' | 'booked' | 'cancelled' | 'expired' | 'stopped' | 'released'
export type PaymentState = 'none' | 'due' | 'paying' | 'paid' | 'refunding' | 'refunded' | 'refund_failed'

export interface AppointmentPayment {
  state: PaymentState
  order_id: string | null
  amount_fen: number
  paid_at: string | null
  refunded_at: string | null
}

export interface Appointment {
  id: string
  state: AppointmentState
  hold_until: string | null
  organization: { id: string; name: string; address: string | null }
  department: { id: string; name: string; place: string | null }
  practitioner: PractitionerBrief | null
  on: string
  period: Period
  number: number
  start_at: string
  end_at: string
  patient: { id: string; name: string }
  fee_fen: number
  channel: string
  payment: AppointmentPayment
  created_at: string
  cancelled_at: string | null
  cancel_reason: string | null
  can_cancel: boolean
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

export interface CityConfig {
  city_name: string
  city_code: string
  wechat: { mini_app_id: string; oa_app_id: string; subscribe_templates: Record<string, string> }
  hold_minutes: number
  time_zone: string
}
