// Looks at what a build made: `node scripts/check-build.mjs h5|weapp`. Ends with 1 and the reasons when
// the mini-program's main package is too big, or the web app would break under its content security policy.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'

// WeChat takes 2 MB a package; the main one, which everybody fetches first, stays well below.
const WEAPP_PACKAGE_MOST = 2 * 1024 * 1024
const WEAPP_MAIN_MOST = 1.5 * 1024 * 1024
/** What a cheap phone fetches before it sees the first page, compressed. */
const H5_FIRST_MOST = 220 * 1024

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesIn(path) : [path]
  })
}

const kB = (bytes) => `${(bytes / 1024).toFixed(0)} kB`
const sizeOf = (files) => files.reduce((sum, file) => sum + statSync(file).size, 0)

function checkWeapp(folder) {
  const { subPackages = [] } = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8'))
  const all = filesIn(folder)
  const inPackage = (file, { root }) => relative(folder, file).startsWith(`${root.replace(/\/$/, '')}/`)
  const packages = [
    { name: 'main package', most: WEAPP_MAIN_MOST, files: all.filter((file) => !subPackages.some((one) => inPackage(file, one))) },
    ...subPackages.map((one) => ({ name: `package ${one.root}`, most: WEAPP_PACKAGE_MOST, files: all.filter((file) => inPackage(file, one)) })),
  ]
  return packages.flatMap(({ name, most, files }) => {
    const size = sizeOf(files)
    console.log(`weapp: ${name} ${kB(size)} of at most ${kB(most)}`)
    return size < most ? [] : [`the ${name} is ${kB(size)}`]
  })
}

function checkH5(folder) {
  const html = readFileSync(join(folder, 'index.html'), 'utf8')
  const faults = []
  for (const [, attributes, text] of html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)) {
    if (text.trim() || !/\bsrc="\//.test(attributes)) faults.push(`index.html has an inline or foreign script: ${text.slice(0, 60)}`)
  }
  if (/\son\w+\s*=/.test(html)) faults.push('index.html has an event attribute')
  for (const [, url] of html.matchAll(/(?:src|href)="([^"]*)"/g)) {
    if (!url.startsWith('/') || url.startsWith('//')) faults.push(`index.html names ${url}`)
  }
  for (const file of filesIn(folder).filter((name) => name.endsWith('.js'))) {
    // lodash's last resort for the global object; every browser has `self` and never gets there.
    const code = readFileSync(file, 'utf8').replace(/\|\|Function\("return this"\)\(\)/g, '')
    if (/\bnew Function\(|\bFunction\("|[^.\w]eval\(/.test(code)) faults.push(`${relative(folder, file)} evaluates text`)
  }
  const first = [...html.matchAll(/(?:src|href)="(\/(?:js|css)\/[^"]+)"/g)].map(([, url]) => join(folder, url))
  const weight = first.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0)
  console.log(`h5: first load ${kB(weight)} compressed of at most ${kB(H5_FIRST_MOST)}; ${kB(sizeOf(filesIn(folder)))} in all`)
  if (weight > H5_FIRST_MOST) faults.push(`the first load is ${kB(weight)} compressed`)
  return faults
}

const target = process.argv[2]
const folder = new URL(`../dist/${target}`, import.meta.url).pathname
const faults = target === 'weapp' ? checkWeapp(folder) : checkH5(folder)
for (const fault of faults) console.error(`error: ${fault}`)
process.exit(faults.length > 0 ? 1 : 0)
