// A stand-in for WeChat, as far as a built mini-program needs one to draw its pages: the `wx` object, App(),
// Page() and setData. It has no window, no document and no crypto, just as the real one.
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import vm from 'node:vm'

const LANGUAGE = {
  Array, Boolean, Date, Error, JSON, Map, Math, Number, Object, Promise, Proxy, Reflect, RegExp, Set, String, Symbol, TypeError, Uint8Array,
  WeakMap, WeakSet, isNaN, isFinite, parseFloat, parseInt, encodeURIComponent, decodeURIComponent,
  setTimeout, clearTimeout, setInterval, clearInterval, console, global: {},
}

function storageOf(kept) {
  return {
    getStorageSync: (key) => (kept.has(key) ? JSON.parse(kept.get(key)) : ''),
    setStorageSync: (key, value) => void kept.set(key, JSON.stringify(value)),
    removeStorageSync: (key) => void kept.delete(key),
    getStorageInfoSync: () => ({ keys: [...kept.keys()] }),
  }
}

/** What the app asks of WeChat: each goes well and is noted. A function that is not listed is an error. */
const NOTED = [
  'login', 'makePhoneCall', 'navigateBack', 'navigateTo', 'pageScrollTo', 'previewImage', 'redirectTo', 'requestPayment', 'requestSubscribeMessage',
  'setClipboardData', 'setKeepScreenOn', 'setScreenBrightness', 'shareFileMessage', 'showToast', 'switchTab',
]

/** All that WeChat opens by itself. */
const DOCUMENTS = /\.(doc|docx|xls|xlsx|ppt|pptx|pdf)$/
/** The beginning of every PNG. */
const PNG = 'iVBORw0KGgo='

function notedBy(calls) {
  return Object.fromEntries(NOTED.map((name) => [name, (options = {}) => {
    calls.push({ name, options })
    setTimeout(() => options.success?.({}), 0)
  }]))
}

/** Pictures are chosen and files kept as on a phone; like the real one, it opens documents only. */
function filesOf(calls, files) {
  return {
    compressImage: ({ success }) => success({ tempFilePath: 'wxfile://tmp/small.png' }),
    getFileSystemManager: () => ({
      readFileSync: (path, encoding) => {
        if (!path.startsWith('wxfile://tmp/') || encoding !== 'base64') throw new Error(`${path} was read as ${encoding}`)
        return PNG
      },
      writeFileSync: (path, content) => void files.set(path, content),
    }),
    openDocument: (options) => {
      if (!DOCUMENTS.test(options.filePath)) options.fail({ errMsg: 'openDocument:fail filetype not supported' })
      else {
        calls.push({ name: 'openDocument', options })
        options.success({})
      }
    },
    showModal: ({ success }) => success({ confirm: true, cancel: false }),
  }
}

function putIn(data, path, value) {
  const steps = path.replace(/\.?\[(\d+)\]/g, '.$1').split('.')
  let at = data
  steps.slice(0, -1).forEach((step, i) => {
    at[step] ??= /^\d+$/.test(steps[i + 1]) ? [] : {}
    at = at[step]
  })
  at[steps.at(-1)] = value
}

/** Every node of a drawn page, parents before children. */
function nodesOf(node) {
  if (Array.isArray(node)) return node.flatMap(nodesOf)
  return node && typeof node === 'object' ? [node, ...nodesOf(node.cn ?? [])] : []
}

/** What can be read; of a page in a frame, its address. */
const textOf = (node) => nodesOf(node).map((one) => one.v ?? (/^https?:/.test(one.p0) ? one.p0 : '')).join('')

export class StandInWechat {
  calls = []
  requests = []
  kept = new Map()
  files = new Map()
  userData = 'http://usr'
  stack = []
  #modules = new Map()
  #pages = new Map()
  #latest = null

  /** `answer({ method, url, body })` is the city: it gives `[status, data]`. `own` adds to `wx`. */
  constructor(root, answer, own = {}) {
    this.root = root
    const request = (options) => {
      const body = options.data === undefined ? undefined : JSON.parse(options.data)
      const url = options.url.replace(/^https?:\/\/[^/]+/, '')
      this.requests.push({ method: options.method, url, body, header: options.header })
      setTimeout(() => {
        const [statusCode, data] = answer({ method: options.method, url, body })
        options.success({ statusCode, data, header: { Date: new Date().toUTCString() } })
      }, 0)
      return { abort() {} }
    }
    const system = () => ({ platform: 'android', SDKVersion: '3.4.0', windowWidth: 375, windowHeight: 700, pixelRatio: 2 })
    const wx = {
      ...notedBy(this.calls), ...storageOf(this.kept), ...filesOf(this.calls, this.files), env: { USER_DATA_PATH: this.userData }, request, getSystemInfoSync: system, getWindowInfo: system, getDeviceInfo: system, getAppBaseInfo: system,
      canIUse: () => true, nextTick: (action) => setTimeout(action, 0), getScreenBrightness: ({ success }) => success({ value: 0.4 }), ...own,
    }
    this.context = vm.createContext({
      ...LANGUAGE, wx, getApp: () => this.app, getCurrentPages: () => this.stack,
      App: (app) => { this.app = app }, Page: (page) => { this.#latest = page }, Component: () => undefined,
    })
  }

  #require(from, id) {
    const file = resolve(dirname(from), id.endsWith('.js') ? id : `${id}.js`)
    if (!this.#modules.has(file)) {
      const module = { exports: {} }
      this.#modules.set(file, module)
      const run = vm.runInContext(`(function(require,module,exports){${readFileSync(file, 'utf8')}\n})`, this.context, { filename: file })
      run((wanted) => this.#require(file, wanted), module, module.exports)
    }
    return this.#modules.get(file).exports
  }

  launch() {
    this.#require(join(this.root, 'app.js'), './app.js')
    this.app.onLaunch?.({ path: 'pages/home/index', query: {} })
    this.app.onShow?.({})
  }

  /** Opens a page as WeChat would and returns what is on the screen. */
  open(path, query = {}) {
    if (!this.#pages.has(path)) {
      this.#require(join(this.root, 'app.js'), `./${path}`)
      this.#pages.set(path, this.#latest)
    }
    const definition = this.#pages.get(path)
    const page = Object.create(definition)
    Object.assign(page, { route: path, __route__: path, options: query, data: structuredClone(definition.data ?? {}) })
    page.setData = (changes, done) => {
      for (const [at, value] of Object.entries(changes)) putIn(page.data, at, value)
      if (done) setTimeout(done, 0)
    }
    this.stack.push(page)
    page.onLoad(query)
    page.onShow?.()
    page.onReady?.()
    return new Screen(page, () => {
      page.onHide?.()
      page.onUnload?.()
      this.stack.pop()
    })
  }
}

class Screen {
  constructor(page, close) {
    this.page = page
    this.close = close
  }

  get text() {
    return textOf(this.page.data.root)
  }

  /** Waits until the words are on the screen; a page that never shows them is an error. */
  async shows(words) {
    const until = Date.now() + 8000
    while (!this.text.includes(words)) {
      if (Date.now() > until) throw new Error(`${this.page.route} does not show "${words}" but "${this.text.slice(0, 200)}"`)
      await new Promise((done) => setTimeout(done, 20))
    }
  }

  /** Taps the innermost pressable thing that says the words; like WeChat, the tap rises to all that is around it. */
  async tap(words) {
    await this.shows(words)
    const nodes = nodesOf(this.page.data.root)
    const pressed = nodes.filter((node) => /(^| )press /.test(node.cl ?? '') && textOf(node).includes(words)).at(-1)
    if (!pressed) throw new Error(`${this.page.route} has nothing to press that says "${words}"`)
    const around = nodes.filter((node) => node !== pressed && nodesOf(node).includes(pressed)).reverse()
    for (const node of [pressed, ...around]) {
      const currentTarget = { id: node.sid, dataset: { sid: node.sid } }
      this.page.eh({ type: 'tap', target: currentTarget, currentTarget, detail: {}, timeStamp: Date.now() })
    }
  }
}
