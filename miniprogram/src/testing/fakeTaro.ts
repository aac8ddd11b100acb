// A phone for tests: storage that forgets between tests, a network that answers as told, pages that are only noted.

export interface Sent {
  method: string
  url: string
  header: Record<string, string>
  body: unknown
}

export interface Answer {
  status: number
  data?: unknown
  header?: Record<string, string>
}

/** What the network does with a call: an answer, or an error for a call that never arrives. */
export type Network = (sent: Sent) => Answer | Error | Promise<Answer | Error>

const storage = new Map<string, unknown>()
export const sent: Sent[] = []
export const visited: string[] = []
let network: Network = () => ({ status: 204 })
let here: { path: string; options: Record<string, string> }[] = []

export function answerWith(next: Network): void {
  network = next
}

export function standOn(...pages: { path: string; options?: Record<string, string> }[]): void {
  here = pages.map(({ path, options = {} }) => ({ path, options }))
}

/** The kinds WeChat was asked for, question by question; and what the person answers. */
export const askedFor: string[][] = []
let promptAnswer: Record<string, string> | Error = {}

export function answerPrompt(answer: Record<string, string> | Error): void {
  promptAnswer = answer
}

export function storedValue(key: string): unknown {
  return storage.get(key)
}

export function resetFakeTaro(): void {
  askedFor.length = 0
  promptAnswer = {}
  storage.clear()
  sent.length = 0
  visited.length = 0
  here = []
  network = () => ({ status: 204 })
}

interface Request {
  method: string
  url: string
  header: Record<string, string>
  data?: string
}

const visit = (how: string) => ({ url }: { url: string }): Promise<void> => {
  visited.push(`${how} ${url}`)
  return Promise.resolve()
}

export const fakeTaro = {
  // Like the platforms, storage keeps copies, not the objects themselves.
  getStorageSync: (key: string): unknown => (storage.has(key) ? structuredClone(storage.get(key)) : ''),
  setStorageSync: (key: string, value: unknown): void => void storage.set(key, structuredClone(value)),
  removeStorageSync: (key: string): void => void storage.delete(key),
  getStorageInfoSync: (): { keys: string[] } => ({ keys: [...storage.keys()] }),
  async request({ method, url, header, data }: Request): Promise<unknown> {
    const call = { method, url, header, body: data === undefined ? undefined : (JSON.parse(data) as unknown) }
    sent.push(call)
    const answer = await network(call)
    if (answer instanceof Error) throw answer
    return { statusCode: answer.status, data: answer.data ?? null, header: answer.header ?? {} }
  },
  requestSubscribeMessage({ tmplIds }: { tmplIds: string[] }): Promise<Record<string, string>> {
    askedFor.push(tmplIds)
    return promptAnswer instanceof Error ? Promise.reject(promptAnswer) : Promise.resolve(promptAnswer)
  },
  getCurrentPages: (): unknown[] => here,
  navigateTo: visit('to'),
  redirectTo: visit('replace'),
  switchTab: visit('tab'),
  navigateBack: (): Promise<void> => visit('back')({ url: '' }),
}
