// Opens every page of the built mini-program in a stand-in for WeChat (src/testing/weapp says how, and what the city
// answers) and makes the journeys that only WeChat has: sign in by `wx.login`, be asked for messages, pay by
// `wx.requestPayment`, photograph a paper, be handed a file. Ends with 1 when a page does not say what it should, or
// asks WeChat for something that it does not have. Run after `taro build --type weapp`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'
import { StandInWechat } from './standInWechat.mjs'

const project = new URL('..', import.meta.url).pathname
const root = join(project, 'dist/weapp')

/** Node 20 reads no TypeScript: what is said about the pages is made into two plain files first. */
async function readPages() {
  const outDir = join(project, 'dist/testing')
  const input = ['openings', 'city'].map((name) => join(project, `src/testing/weapp/${name}.ts`))
  await build({ root: project, configFile: false, logLevel: 'error', build: { ssr: true, outDir, emptyOutDir: true, rollupOptions: { input } } })
  const [{ openings }, { answer }] = await Promise.all(['openings', 'city'].map((name) => import(join(outDir, `${name}.mjs`))))
  return { openings, answer }
}

function expect(found, what) {
  if (!found) throw new Error(what)
}

async function until(found, what) {
  const end = Date.now() + 8000
  while (!found()) {
    expect(Date.now() < end, what)
    await new Promise((done) => setTimeout(done, 20))
  }
}

async function signIn(wechat) {
  const login = wechat.open('pages/login/index')
  await login.tap('微信登录')
  expect(wechat.requests.every(({ url }) => url.endsWith('/config')), 'something was sent before the person agreed')
  await login.tap('同意并登录')
  await until(() => wechat.kept.has('hc.session'), 'wx.login did not lead to a session')
  const asked = wechat.requests.find(({ url }) => url.endsWith('/wechat-mini'))
  expect(asked.body.js_code === 'JS-CODE', 'the code of wx.login was not sent')
  login.close()
}

async function bookAndPay(wechat) {
  const confirm = wechat.open('pages/booking/confirm/index', { schedule_id: 'S', number: '3' })
  await confirm.shows('号已为您保留')
  await confirm.tap('确认并支付')
  await until(() => wechat.calls.some(({ name, options }) => name === 'redirectTo' && options.url.includes('/pay/')), 'confirming did not lead to the payment')
  const asked = wechat.requests.find(({ url }) => url.endsWith('/messages/subscriptions'))
  expect(asked?.body.template_kinds[0] === 'appointment_booked', 'the allowed messages were not reported')
  expect(wechat.requests.find(({ url }) => url.endsWith('/holds')).header['Idempotency-Key'], 'a hold went without a key')
  confirm.close()
  const pay = wechat.open('pages/booking/pay/index', { appointment_id: 'A' })
  await pay.tap('微信支付')
  await until(() => wechat.calls.some(({ name, options }) => name === 'redirectTo' && options.url.includes('/detail/')), 'paying did not lead to the appointment')
  expect(wechat.calls.find(({ name }) => name === 'requestPayment').options.paySign === 'SIGN', 'WeChat was not given the signed order')
  pay.close()
}

/** A paper of a newborn's: chosen as a picture, sent under the type that it has. */
async function photograph(wechat) {
  const form = wechat.open('pages/births/form/index', { filing_id: 'DRAFT' })
  for (const step of ['第2步', '第3步', '第4步']) {
    await form.tap('下一步')
    await form.shows(step)
  }
  await form.tap('拍照或选图')
  const sent = () => wechat.requests.find(({ url }) => url.endsWith('/files'))?.body
  await until(sent, 'the photo was not sent')
  expect(sent().content_type === 'image/png', 'a picture that is a PNG was not called one')
  await until(() => wechat.calls.some(({ name, options }) => name === 'showToast' && options.title === '照片已收到'), 'nobody said that the photo has come')
  form.close()
}

/** Files: WeChat opens a PDF and shows a picture itself; what it cannot open is sent into a chat. */
async function takeFiles(wechat) {
  const handed = (name, file, what) =>
    until(() => wechat.calls.some((call) => call.name === name && JSON.stringify(call.options).includes(`${wechat.userData}/${file}`) && wechat.files.has(`${wechat.userData}/${file}`)), what)
  const exporting = wechat.open('pages/record/exporting/index', { patient_id: 'R' })
  await exporting.tap('开始整理')
  await exporting.shows('整理好了')
  await exporting.tap('下载')
  await handed('openDocument', 'record.pdf', 'the record was not opened')
  exporting.close()
  const born = wechat.open('pages/births/filing/index', { filing_id: 'DONE' })
  await born.tap('打开电子凭证')
  await handed('openDocument', 'birth_certificate.pdf', 'the certificate was not opened')
  born.close()
  const report = wechat.open('pages/reports/detail/index', { report_id: 'CT' })
  await report.tap('胶片截图')
  await handed('previewImage', 'report.jpg', 'the picture was not shown')
  await report.tap('检查记录')
  await handed('shareFileMessage', 'report.txt', 'the text was not offered to a chat')
  report.close()
  const record = wechat.open('pages/record/timeline/index')
  await record.tap('扫描件')
  await handed('openDocument', 'document.pdf', 'the file of a document was not opened')
  record.close()
}

/** The pages of the main package and of all others. */
function pagesOf({ pages, subPackages = [] }) {
  return [...pages, ...subPackages.flatMap(({ root: folder, pages: some }) => some.map((page) => `${folder}/${page}`))]
}

async function openEveryPage(wechat) {
  const pages = pagesOf(JSON.parse(readFileSync(join(root, 'app.json'), 'utf8')))
  for (const path of pages) {
    expect(openings[path], `${path} is not listed in src/testing/weapp/openings.ts`)
    for (const { query, says, taps = [] } of openings[path]) {
      const screen = wechat.open(path, query)
      await screen.shows(says)
      for (const [tap, then] of taps) {
        await screen.tap(tap)
        await screen.shows(then)
      }
      screen.close()
    }
  }
  return pages.length
}

for (const failure of ['unhandledRejection', 'uncaughtException']) {
  process.on(failure, (error) => {
    console.error('error:', error)
    process.exit(1)
  })
}

const { openings, answer } = await readPages()
const wechat = new StandInWechat(root, answer, {
  login: ({ success }) => success({ code: 'JS-CODE' }),
  chooseImage: ({ success }) => success({ tempFilePaths: ['wxfile://tmp/screenshot.png'] }),
  requestSubscribeMessage: ({ tmplIds, success }) => success(Object.fromEntries(tmplIds.map((id) => [id, 'accept']))),
})
wechat.launch()
await signIn(wechat)
const count = await openEveryPage(wechat)
await bookAndPay(wechat)
await photograph(wechat)
await takeFiles(wechat)
console.log(`weapp: ${count} pages opened, signed in, booked and paid, photographed, took files in a stand-in for WeChat`)
process.exit(0)
