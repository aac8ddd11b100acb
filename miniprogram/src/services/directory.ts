// Hospitals, departments, doctors, and when they have free numbers.
import { request } from '../utils/request'
import type { Availability, Department, Organization, Page, Practitioner, Schedule, SearchResult } from './types'

const V1 = '/api/v1'

export function listOrganizations(cursor?: string): Promise<Page<Organization>> {
  return request({ path: `${V1}/organizations`, query: { limit: 20, cursor } })
}

const organizations = new Map<string, Promise<Organization>>()

/** Asked for once: a hospital seldom changes, and many pages name it. */
export function fetchOrganization(id: string): Promise<Organization> {
  const known = organizations.get(id)
  if (known) return known
  const asked = request<Organization>({ path: `${V1}/organizations/${id}` })
  organizations.set(id, asked)
  asked.catch(() => organizations.delete(id))
  return asked
}

export async function listDepartments(organizationId: string): Promise<Department[]> {
  const path = `${V1}/organizations/${organizationId}/departments`
  return (await request<{ items: Department[] }>({ path })).items
}

export function fetchDepartment(id: string): Promise<Department> {
  return request({ path: `${V1}/departments/${id}` })
}

export function fetchPractitioner(id: string): Promise<Practitioner> {
  return request({ path: `${V1}/practitioners/${id}` })
}

/** Hospitals, departments and doctors by name or by the initials of their pinyin. */
export function searchDirectory(q: string): Promise<SearchResult> {
  return request({ path: `${V1}/search`, query: { q } })
}

export function fetchAvailability(departmentId: string, from: string, days = 7): Promise<Availability> {
  return request({ path: `${V1}/departments/${departmentId}/availability`, query: { from, days } })
}

export function fetchSchedule(scheduleId: string): Promise<Schedule> {
  return request({ path: `${V1}/schedules/${scheduleId}` })
}
