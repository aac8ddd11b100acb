// How each page is opened in the stand-in for WeChat, and what it must say. Every page of app.config.ts is here:
// a test holds that, and that each is opened with the parameters its route gives it.

export interface Opening {
  query?: Record<string, string>
  /** What the page says to someone who is signed in; or the page of the city's that it frames. */
  says: string
  /** What is tapped then, one after the other, and what is said after each. */
  taps?: [tap: string, says: string][]
}

export const openings: Record<string, Opening[]> = {
  'pages/home/index': [{ says: '您好，张**' }],
  'pages/login/index': [{ says: '微信登录' }],
  'pages/realname/index': [{ says: '您已完成实名认证' }],
  'pages/code/show/index': [{ says: '秒后自动更换' }],
  'pages/code/uses/index': [{ says: '还没有用码记录' }],
  'pages/code/printed/index': [{ says: '生成纸质码' }],
  'pages/booking/hospitals/index': [{ says: '第一人民医院' }],
  'pages/booking/departments/index': [{ query: { organization_id: 'O' }, says: '儿科' }],
  'pages/booking/days/index': [{ query: { department_id: 'D' }, says: '余1' }, { query: { department_id: 'D', practitioner_id: 'P' }, says: '余1' }],
  'pages/booking/slots/index': [{ query: { schedule_id: 'S' }, says: '3号' }],
  'pages/booking/confirm/index': [{ query: { schedule_id: 'S', number: '3' }, says: '号已为您保留' }],
  'pages/booking/pay/index': [{ query: { appointment_id: 'A' }, says: '¥5.00' }],
  'pages/appointments/list/index': [{ says: '没有待就诊的预约' }],
  'pages/appointments/detail/index': [{ query: { appointment_id: 'A' }, says: '待支付' }],
  'pages/patients/list/index': [{ says: '请求替您办事' }],
  'pages/patients/add/index': [{ says: '与您的关系' }],
  'pages/messages/list/index': [{ says: '还没有消息' }],
  'pages/mine/index': [{ says: '已实名' }],
  'pages/settings/index': [{ says: '370****3461' }],
  'pages/settings/phone/index': [{ says: '新手机号' }],
  'pages/about/index': [{ says: '我们做什么' }],
  'pages/records/consents/index': [{ says: '全市医院', taps: [['撤回授权', '撤回后，对方立即不能再查看']] }],
  'pages/records/grant/index': [{ query: { patient_id: 'R' }, says: '第一人民医院', taps: [['只看一部分', '病历文书']] }],
  'pages/records/accesses/index': [{ says: '王建国', taps: [['询问医院', '医院的隐私专员会在10天内答复']] }],
  'pages/surveys/answer/index': [{ query: { token: 'TOKEN' }, says: '/s/TOKEN' }],
  'pages/reports/list/index': [{ says: '1项异常' }, { query: { patient_id: 'R', visit_id: 'V' }, says: '这次就诊的报告' }],
  'pages/reports/detail/index': [
    { query: { report_id: 'LAB' }, says: '偏低常见于贫血', taps: [['分享给医生', '请当面告诉对方'], ['生成二维码', '二维码只显示这一次']] },
    { query: { report_id: 'CT' }, says: '两肺纹理清晰' },
    { query: { report_id: 'HIDDEN' }, says: '这份报告内容较私密' },
  ],
  'pages/reports/trend/index': [{ query: { patient_id: 'R', analyte: '718-7' }, says: '灰色带为各次报告的参考范围' }],
  'pages/reports/images/index': [{ query: { report_id: 'CT', open: '1' }, says: '第1幅，共1幅', taps: [['调亮', '还原'], ['放大', '还原']] }],
  'pages/reports/shares/index': [{ says: '被打开1次' }],
  'pages/record/timeline/index': [
    { says: '血红蛋白偏低', taps: [['内容较私密，点开查看', '人类免疫缺陷病毒病'], ['删除', '删除后，您和医生都不再看到它']] },
    { says: '扫描件（PDF，1.2 MB）', taps: [['小结全文（文字，1 KB）', 'BP 120/80']] },
  ],
  'pages/record/measure/index': [{ query: { patient_id: 'R' }, says: '收缩压', taps: [['体温', '℃'], ['保存', '应在30到45之间']] }],
  'pages/record/correction/index': [{ query: { patient_id: 'R' }, says: '等医院核对' }],
  'pages/record/exporting/index': [{ query: { patient_id: 'R' }, says: '请不要发给不信任的人' }],
  'pages/referrals/list/index': [{ says: '市人民医院' }],
  'pages/referrals/detail/index': [{
    query: { referral_id: 'F' }, says: '复查心电图', taps: [['希望改时间', '写下您方便的时间'], ['撤回转诊', '预留的号会让给别人']],
  }],
  'pages/births/list/index': [{ says: '接着填' }],
  'pages/births/check/index': [{ query: { birth_id: 'B' }, says: '可以在手机上办', taps: [['随爸爸', '开始填写']] }],
  'pages/births/form/index': [{ query: { filing_id: 'DRAFT' }, says: '第1步，共4步' }],
  'pages/births/filing/index': [
    { query: { filing_id: 'WRONG' }, says: '名字里有生僻字' },
    { query: { filing_id: 'DONE' }, says: 'A370000001', taps: [['出示取件码', '到窗口出示这个码'], ['没有收到', '快递显示已送']] },
    { query: { filing_id: 'DRAFT' }, says: '还没提交', taps: [['撤回申请', '为什么撤回']] },
  ],
}
