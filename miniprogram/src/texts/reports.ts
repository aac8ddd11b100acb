// What the pages of reports and of the life-long file say.
import type { Flag, ReportState, TimelineKind } from '../services/reports'

export const reports = {
  ofVisit: '这次就诊的报告',
  forWhom: '查看谁的报告',
  all: '全部',
  lab: '检验',
  imaging: '检查',
  empty: '还没有报告',
  emptyHint: '全市医院出的检验、检查报告都会出现在这里，出报告时会通知您。',
  notable: (n: number) => `${String(n)}项异常`,
  normal: '未见异常标记',
  sensitive: '内容较私密',
  sensitiveTitle: '这份报告内容较私密',
  sensitiveHint: '请确认身边没有他人，再点开查看。',
  openSensitive: '打开报告',
  preliminaryNote: '这是初步结果，医院还可能修改，请以正式报告为准。',
  correctedNote: '医院已更正这份报告，请以这里的内容为准。',
  range: (text: string, unit: string) => `参考范围 ${text}${unit ? ` ${unit}` : ''}`,
  noRange: '医院没有给出参考范围',
  computed: '按医院的参考范围标注',
  critical: '危急值',
  conclusion: '结论',
  results: '结果',
  doctors: '报告医生',
  issuedAt: '报告时间',
  at: { lab: '采样时间', imaging: '检查时间', other: '记录时间' },
  hospital: '医院',
  trend: '看趋势',
  images: '看影像',
  document: '打开原件',
  pdf: '下载PDF',
  share: '分享给医生',
  caution: '以上说明只帮助您看懂报告，不是诊断。请把报告给医生看。',
  source: (text: string) => `说明依据：${text}`,
  saved: '已下载',
  noItems: '这份报告没有逐项结果。',
}

export const trend = {
  empty: '还没有可以比较的结果',
  emptyHint: '同一项目有了正式结果后，就能在这里看到变化。',
  chart: (name: string, n: number) => `${name}的变化，共${String(n)}次`,
  unit: (unit: string) => (unit === '1' ? '' : `单位 ${unit}`),
  converted: (text: string) => `原报告 ${text}`,
  band: '灰色带为各次报告的参考范围',
  apart: '单位不同，没有放进图里',
  own: '自己测量',
  method: (text: string) => `方法：${text}`,
  note: '不同医院的方法和参考范围可能不同，不能只凭数字比较。',
}

export const images = {
  empty: '没有可以查看的影像',
  emptyHint: '医院还没有上传这份报告的影像。',
  position: (at: number, of: number) => `第${String(at)}幅，共${String(of)}幅`,
  previous: '上一幅',
  next: '下一幅',
  brighter: '调亮',
  darker: '调暗',
  more: '对比强',
  less: '对比弱',
  zoomIn: '放大',
  zoomOut: '缩小',
  reset: '还原',
  series: '选择序列',
  notShown: '这幅影像的压缩格式不能在线显示，可以下载原文件，用专业软件查看。',
  download: '下载原文件',
  caution: '手机上的影像仅供参考，诊断请以医院的报告为准。',
  loading: '正在打开影像',
  picture: (at: number) => `影像第${String(at)}幅`,
}

export const share = {
  title: '分享给医生',
  lead: '生成一个短期有效的二维码。对方扫码后，在浏览器里就能看到这份报告，不需要登录。',
  valid: '有效期',
  hours: (n: number) => (n < 24 ? `${String(n)}小时` : `${String(n / 24)}天`),
  passcode: '查看口令',
  passcodeHint: '4到8位数字，请当面告诉对方。输错5次后链接失效。',
  passcodePlaceholder: '不填则不需要口令',
  passcodeWrong: '口令应为4到8位数字',
  make: '生成二维码',
  ready: '请对方扫码查看',
  once: '二维码只显示这一次，关闭后不能再看到。',
  until: (text: string) => `有效期到${text}`,
  copy: '复制链接',
  copied: '链接已复制',
  stop: '立即停用',
  stopped: '已停用，对方不能再打开',
  listTitle: '我分享过的',
  empty: '还没有分享过报告',
  emptyHint: '在报告页点“分享给医生”，可以生成短期有效的二维码。',
  opened: (n: number) => (n > 0 ? `被打开${String(n)}次` : '还没有人打开'),
  lastOpened: (text: string) => `最近一次 ${text}`,
  ended: '已失效',
  live: '有效',
  qr: '分享二维码',
}

export const record = {
  forWhom: '查看谁的健康档案',
  empty: '还没有记录',
  emptyHint: '在本市医院就诊后，诊断、用药、检查都会汇到这里。您也可以记下自己的测量。',
  all: '全部',
  measure: '记一次测量',
  reports: '检验检查报告',
  shares: '我分享过的',
  download: '下载全部',
  correct: '信息有误',
  own: '自己记录',
  remove: '删除',
  removeAsk: '删除这次测量？删除后，您和医生都不再看到它。',
  removed: '已删除',
  visitReports: '查看这次就诊的报告',
  corrected: '已更正',
  sensitive: '内容较私密，点开查看',
}

export const measure = {
  what: '测量什么',
  systolic: '收缩压（高压）',
  diastolic: '舒张压（低压）',
  when: '测量时间',
  now: '现在',
  save: '保存',
  saved: '已记下',
  wrong: (low: number, high: number) => `应在${String(low)}到${String(high)}之间`,
  lead: '自己测的数值会标明“自己记录”，医生看得到来源。',
  careful: '如果感到不舒服，请及时就医，不要只凭测量判断。',
}

export const correction = {
  lead: '病案里的姓名、性别、电话等由医院保管。写下哪里不对，医院核对后会改正并答复您。',
  where: '哪家医院',
  field: '哪一项不对',
  wish: '应该是什么',
  wishPlaceholder: '例如：电话应为138…',
  send: '提交',
  sent: '已提交，请等医院答复',
  mine: '我提过的',
  none: '还没有提过',
  states: { asked: '等医院核对', done: '已改正', refused: '未改' },
  answer: (text: string) => `医院答复：${text}`,
  noCharts: '还没有医院为您建档',
  fields: { name: '姓名', sex: '性别', birth_on: '出生日期', phone: '电话', address: '住址', other: '其他' },
}

export const exporting = {
  lead: '把这位就诊人在全市医院的全部记录下载下来。文件24小时后自动删除。',
  fhir: '电子文件',
  pdf: '可打印的PDF',
  make: '开始整理',
  running: (done: number, total: number) => (total > 0 ? `正在整理，${String(done)}/${String(total)}` : '正在整理'),
  ready: '整理好了',
  download: '下载',
  failed: '没有整理成功，请再试一次',
  privacy: '文件里有您的全部病历，请不要发给不信任的人。',
}

/** In WeChat, for a file that it cannot open by itself. */
export const files = {
  title: '保存文件',
  send: '微信打不开这种文件。可以发到聊天里保存，比如发给“文件传输助手”。',
  yes: '发送',
  no: '取消',
}

/** By a file's extension. */
export const fileKindNames: Record<string, string> = {
  pdf: 'PDF',
  jpg: '图片',
  png: '图片',
  txt: '文字',
  dcm: '影像',
  bin: '文件',
}

export const flagNames: Record<Flag, string> = {
  normal: '正常',
  low: '偏低',
  high: '偏高',
  very_low: '明显偏低',
  very_high: '明显偏高',
  abnormal: '异常',
  positive: '阳性',
  negative: '阴性',
  unknown: '',
}

export const reportStateNames: Record<ReportState, string> = { preliminary: '初步结果', final: '正式报告', corrected: '已更正' }

export const timelineKindNames: Record<TimelineKind, string> = {
  visit: '就诊',
  diagnosis: '诊断',
  medicine: '用药',
  allergy: '过敏',
  vaccination: '接种',
  procedure: '手术和操作',
  lab: '检验',
  imaging: '检查',
  measurement: '测量',
  document: '文书',
  order: '医嘱',
  other: '其他',
}

export const measurementNames = { blood_pressure: '血压', glucose: '血糖', weight: '体重', temperature: '体温' }
