// Reports, images, and the file that stays with a person for life.
import { request } from '../utils/request'
import type { Page } from './types'

export type Flag = 'normal' | 'low' | 'high' | 'very_low' | 'very_high' | 'abnormal' | 'positive' | 'negative' | 'unknown'
export type ReportKind = 'lab' | 'imaging' | 'other'
export type ReportState = 'preliminary' | 'final' | 'corrected'
export type TimelineKind =
  | 'visit' | 'diagnosis' | 'medicine' | 'allergy' | 'vaccination' | 'procedure' | 'lab' | 'imaging' | 'measurement' | 'document' | 'order' | 'other'

export interface ReportLine {
  id: string
  kind: ReportKind
  title: string
  organization_name: string
  state: ReportState
  at: string
  sensitive: boolean
  notable: number
}

export interface ReportItem {
  id: string
  name: string
  value: string
  unit: string
  range: string
  flag: Flag
  critical: boolean
  computed: boolean
  words: string
  words_source: string
  analyte: string | null
  method: string
  note: string
  state: ReportState
}

export interface ReportDocument {
  number: number
  title: string
  content_type: string
  /** In bytes, where it is known before it is opened. */
  size: number | null
}

export interface Report extends Omit<ReportLine, 'notable'> {
  issued_at: string | null
  hidden: boolean
  conclusion: string
  doctors: string[]
  items: ReportItem[]
  documents: ReportDocument[]
  patient_id: string
  visit_id: string | null
}

export interface TrendPoint {
  at: string
  value: number
  text: string
  original: string
  low: number | null
  high: number | null
  flag: Flag
  organization_name: string
  method: string
  own: boolean
}

export interface Trend {
  analyte: string
  name: string
  unit: string
  points: TrendPoint[]
  apart: { at: string | null; value: string; unit: string }[]
}

export interface ImageInstance {
  id: string
  frames: number
  rows: number
  columns: number
  center: number | null
  width: number | null
  bytes: number
}

export interface ImageSeries {
  description: string
  modality: string
  instances: ImageInstance[]
}

export interface ImageStudy {
  description: string
  at: string
  series: ImageSeries[]
}

/** How a picture is wanted; without a window, as the file says. */
export interface Window {
  center: number
  width: number
}

const REPORTS = '/api/v1/reports'

export function listReports(patientId: string, kind: 'lab' | 'imaging' | undefined, cursor?: string, visitId?: string): Promise<Page<ReportLine>> {
  return request({ path: REPORTS, query: { patient_id: patientId, kind, visit_id: visitId, limit: 20, cursor } })
}

/** `open` is the second tap: it opens what is sensitive. */
export function fetchReport(reportId: string, open: boolean): Promise<Report> {
  return request({ path: `${REPORTS}/${reportId}`, query: { open: open ? 'true' : undefined } })
}

export function fetchTrend(patientId: string, analyte: string): Promise<Trend> {
  return request({ path: `${REPORTS}/trend`, query: { patient_id: patientId, analyte } })
}

export async function listImages(reportId: string, open: boolean): Promise<ImageStudy[]> {
  const query = { open: open ? 'true' : undefined }
  return (await request<{ items: ImageStudy[] }>({ path: `${REPORTS}/${reportId}/images`, query })).items
}

export function fetchPicture(imageId: string, frame: number, window: Window | undefined): Promise<ArrayBuffer> {
  const query = { frame, center: window?.center, width: window?.width, side: 1024 }
  return request({ path: `/api/v1/images/${imageId}/rendered`, query, binary: true })
}

export function fetchImageFile(imageId: string): Promise<ArrayBuffer> {
  return request({ path: `/api/v1/images/${imageId}/file`, binary: true })
}

export function fetchDocument(reportId: string, number: number, open: boolean): Promise<ArrayBuffer> {
  return request({ path: `${REPORTS}/${reportId}/documents/${String(number)}`, query: { open: open ? 'true' : undefined }, binary: true })
}

export function fetchReportPdf(reportId: string, open: boolean): Promise<ArrayBuffer> {
  return request({ path: `${REPORTS}/${reportId}/pdf`, query: { open: open ? 'true' : undefined }, binary: true })
}

// --- sharing ---

export interface SharedLink {
  id: string
  uri: string
  expires_at: string
}

export interface ShareRecord {
  id: string
  label: string
  created_at: string
  expires_at: string
  live: boolean
  passcode: boolean
  opened: number
  last_opened_at: string | null
  recipient: string
}

export function shareReport(reportId: string, body: { hours: number; passcode?: string; open: boolean }): Promise<SharedLink> {
  return request({ method: 'POST', path: `${REPORTS}/${reportId}/links`, body })
}

export async function listShares(): Promise<ShareRecord[]> {
  return (await request<{ items: ShareRecord[] }>({ path: '/api/v1/report-links' })).items
}

export function stopShare(id: string): Promise<void> {
  return request({ method: 'DELETE', path: `/api/v1/report-links/${id}` })
}
