// The file that stays with a person for life.
import { request } from '../utils/request'
import type { ReportDocument, TimelineKind } from './reports'
import type { Page } from './types'

export interface TimelineEntry {
  id: string
  kind: TimelineKind
  at: string
  title: string
  note: string
  organization_name: string
  own: boolean
  sensitive: boolean
  report_id: string | null
  /** The files of a document; a report's come with the report. */
  documents: ReportDocument[]
}

export type MeasurementKind = 'blood_pressure' | 'glucose' | 'weight' | 'temperature'

export interface Measurement {
  patient_id: string
  kind: MeasurementKind
  values: number[]
  at: string
}

export type CorrectionField = 'name' | 'sex' | 'birth_on' | 'phone' | 'address' | 'other'

export interface Correction {
  id: string
  organization_name: string
  field: CorrectionField
  wish: string
  state: 'asked' | 'done' | 'refused'
  answer: string
  asked_at: string
}

export interface Keeper {
  chart_id: string
  organization_name: string
}

export interface Export {
  id: string
  form: 'fhir' | 'pdf'
  state: 'due' | 'running' | 'done' | 'failed'
  done: number
  total: number
  expires_at: string
}

const RECORDS = '/api/v1/records'

export function listTimeline(patientId: string, kind: TimelineKind | undefined, cursor?: string): Promise<Page<TimelineEntry>> {
  return request({ path: `${RECORDS}/timeline`, query: { patient_id: patientId, kinds: kind, limit: 20, cursor } })
}

/** One entry with its words, also where the list leaves them out. */
export function fetchEntry(patientId: string, id: string): Promise<TimelineEntry> {
  return request({ path: `${RECORDS}/timeline/${id}`, query: { patient_id: patientId } })
}

/** A file of a document, as its hospital issued it. */
export function fetchEntryDocument(patientId: string, id: string, number: number): Promise<ArrayBuffer> {
  return request({ path: `${RECORDS}/timeline/${id}/documents/${String(number)}`, query: { patient_id: patientId }, binary: true })
}

/** Takes back what one has measured oneself. */
export function removeMeasurement(patientId: string, id: string): Promise<null> {
  return request({ method: 'DELETE', path: `${RECORDS}/measurements/${id}`, query: { patient_id: patientId } })
}

export function saveMeasurement(body: Measurement): Promise<{ id: string }> {
  return request({ method: 'POST', path: `${RECORDS}/measurements`, body, once: true })
}

export async function listKeepers(patientId: string): Promise<Keeper[]> {
  return (await request<{ items: Keeper[] }>({ path: `${RECORDS}/keepers`, query: { patient_id: patientId } })).items
}

export async function listCorrections(patientId: string): Promise<Correction[]> {
  return (await request<{ items: Correction[] }>({ path: `${RECORDS}/corrections`, query: { patient_id: patientId } })).items
}

export function askCorrection(body: { patient_id: string; chart_id: string; field: CorrectionField; wish: string }): Promise<{ id: string }> {
  return request({ method: 'POST', path: `${RECORDS}/corrections`, body })
}

export function orderExport(patientId: string, form: Export['form']): Promise<Export> {
  return request({ method: 'POST', path: `${RECORDS}/exports`, body: { patient_id: patientId, form } })
}

export function fetchExport(id: string): Promise<Export> {
  return request({ path: `${RECORDS}/exports/${id}` })
}

export function fetchExportFile(id: string): Promise<ArrayBuffer> {
  return request({ path: `${RECORDS}/exports/${id}/file`, binary: true })
}
