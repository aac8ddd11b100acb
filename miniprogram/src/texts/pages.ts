// Page titles and the tab bar.

export const appName = '健康城市'

export const pageTitles = {
  home: '健康城市',
  login: '登录',
  realname: '实名认证',
  code: '健康码',
  codeUses: '用码记录',
  printedCode: '纸质健康码',
  hospitals: '预约挂号',
  departments: '选择科室',
  days: '选择日期和医生',
  slots: '选择时间',
  confirm: '确认预约',
  pay: '支付挂号费',
  appointments: '我的预约',
  appointment: '预约详情',
  patients: '就诊人',
  patientAdd: '添加就诊人',
  messages: '消息',
  mine: '我的',
  settings: '设置',
  phone: '更换手机号',
  consents: '病历授权',
  consentGrant: '主动授权',
  accesses: '谁看过我的病历',
  about: '服务说明',
  survey: '就诊回访',
  reports: '我的报告',
  report: '报告详情',
  trend: '变化趋势',
  images: '影像',
  shares: '我分享过的',
  record: '健康档案',
  measure: '记一次测量',
  correction: '信息有误',
  exporting: '下载全部',
  referrals: '我的转诊',
  referral: '转诊详情',
}

export const tabTitles = { home: '首页', booking: '预约', code: '健康码', mine: '我的' }
