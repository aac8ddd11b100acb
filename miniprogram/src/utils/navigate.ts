// Where pages are, and how to get there. Pages never spell an address themselves.
import Taro from '@tarojs/taro'
import { queryString } from './request'

export const tabs = {
  home: '/pages/home/index',
  booking: '/pages/booking/hospitals/index',
  code: '/pages/code/show/index',
  mine: '/pages/mine/index',
} as const

export const routes = {
  login: () => '/pages/login/index',
  realname: () => '/pages/realname/index',
  codeUses: () => '/pages/code/uses/index',
  printedCode: () => '/pages/code/printed/index',
  departments: (organizationId: string) =>
    `/pages/booking/departments/index${queryString({ organization_id: organizationId })}`,
  days: (departmentId: string, practitionerId?: string) =>
    `/pages/booking/days/index${queryString({ department_id: departmentId, practitioner_id: practitionerId })}`,
  slots: (scheduleId: string) => `/pages/booking/slots/index${queryString({ schedule_id: scheduleId })}`,
  confirm: (scheduleId: string, number: number) =>
    `/pages/booking/confirm/index${queryString({ schedule_id: scheduleId, number })}`,
  pay: (appointmentId: string) => `/pages/booking/pay/index${queryString({ appointment_id: appointmentId })}`,
  appointments: () => '/pages/appointments/list/index',
  appointment: (id: string) => `/pages/appointments/detail/index${queryString({ appointment_id: id })}`,
  patients: () => '/pages/patients/list/index',
  patientAdd: () => '/pages/patients/add/index',
  consents: () => '/pages/records/consents/index',
  consentGrant: (patientId: string) => `/pages/records/grant/index${queryString({ patient_id: patientId })}`,
  accesses: () => '/pages/records/accesses/index',
  births: () => '/pages/births/list/index',
  birthCheck: (birthId: string) => `/pages/births/check/index${queryString({ birth_id: birthId })}`,
  birthForm: (filingId: string) => `/pages/births/form/index${queryString({ filing_id: filingId })}`,
  birthFiling: (filingId: string) => `/pages/births/filing/index${queryString({ filing_id: filingId })}`,
  messages: () => '/pages/messages/list/index',
  phone: () => '/pages/settings/phone/index',
  settings: () => '/pages/settings/index',
  about: () => '/pages/about/index',
  reports: (patientId?: string, visitId?: string) => `/pages/reports/list/index${queryString({ patient_id: patientId, visit_id: visitId })}`,
  report: (id: string) => `/pages/reports/detail/index${queryString({ report_id: id })}`,
  trend: (patientId: string, analyte: string) => `/pages/reports/trend/index${queryString({ patient_id: patientId, analyte })}`,
  shares: () => '/pages/reports/shares/index',
  referrals: () => '/pages/referrals/list/index',
  referral: (id: string) => `/pages/referrals/detail/index${queryString({ referral_id: id })}`,
  record: () => '/pages/record/timeline/index',
  measure: (patientId: string) => `/pages/record/measure/index${queryString({ patient_id: patientId })}`,
  correction: (patientId: string) => `/pages/record/correction/index${queryString({ patient_id: patientId })}`,
  exporting: (patientId: string) => `/pages/record/exporting/index${queryString({ patient_id: patientId })}`,
  images: (reportId: string, open: boolean) => `/pages/reports/images/index${queryString({ report_id: reportId, open: open ? 1 : undefined })}`,
}

const RETURN_KEY = 'hc.return_to'

function isTab(url: string): boolean {
  return (Object.values(tabs) as string[]).includes(url.split('?')[0] ?? '')
}

export function go(url: string): void {
  void (isTab(url) ? Taro.switchTab({ url }) : Taro.navigateTo({ url }))
}

/** Goes there without leaving this page to come back to. */
export function replace(url: string): void {
  void (isTab(url) ? Taro.switchTab({ url }) : Taro.redirectTo({ url }))
}

export function goBack(): void {
  if (Taro.getCurrentPages().length > 1) void Taro.navigateBack()
  else void Taro.switchTab({ url: tabs.home })
}

function currentUrl(): string {
  const page = Taro.getCurrentPages().slice(-1)[0]
  if (!page) return tabs.home
  const { path: url, route, options = {} } = page as { path?: string; route?: string; options?: Record<string, string> }
  const path = (url ?? route ?? '').split('?')[0] ?? ''
  const query = Object.fromEntries(Object.entries(options).filter(([key]) => !key.startsWith('$') && key !== 'stamp'))
  return `${path.startsWith('/') ? path : `/${path}`}${queryString(query)}`
}

/** Opens the sign-in page once, remembering where the person was. */
export function goSignIn(): void {
  const here = currentUrl()
  if (here.startsWith(routes.login())) return
  Taro.setStorageSync(RETURN_KEY, here)
  void Taro.navigateTo({ url: routes.login() })
}

/** After signing in: back to where the person wanted to be. */
export function goAfterSignIn(): void {
  const wanted = Taro.getStorageSync<string>(RETURN_KEY) || tabs.home
  Taro.removeStorageSync(RETURN_KEY)
  if (isTab(wanted)) void Taro.switchTab({ url: wanted })
  else if (Taro.getCurrentPages().length > 1) void Taro.navigateBack()
  else void Taro.redirectTo({ url: wanted })
}
