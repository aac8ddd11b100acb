// The document itself, for the web app only.
import './global.h5.scss'

// The router's tab bar is made of `javascript:;` links, which the content security policy refuses aloud.
document.addEventListener('click', (event) => {
  const target = event.target instanceof Element ? event.target.closest('a[href^="javascript:"]') : null
  if (target) event.preventDefault()
})

const TAB_ICONS = ['home', 'booking', 'code', 'mine']
const kept: HTMLImageElement[] = []

/** Fetches what other pages will need, so that they open without a network too (names: `config/webBundle.ts`). */
function fetchAhead(): void {
  const pages = document.querySelector<HTMLMetaElement>('meta[name="hc-pages"]')?.content ?? ''
  for (const href of pages.split(' ').filter(Boolean)) {
    const link = document.createElement('link')
    link.rel = 'modulepreload'
    link.href = href
    document.head.appendChild(link)
  }
  for (const name of TAB_ICONS.flatMap((icon) => [icon, `${icon}-on`])) {
    const image = new Image()
    image.src = `/static/images/${name}.png`
    kept.push(image)
  }
}

const RELOADED = 'hc.reloaded_at'
const RELOAD_AGAIN_MS = 30_000

// A tab left open over a deployment asks for files that are no more: the new app is one reload away.
window.addEventListener('vite:preloadError', () => {
  const last = Number(sessionStorage.getItem(RELOADED))
  if (!navigator.onLine || Date.now() - last < RELOAD_AGAIN_MS) return
  sessionStorage.setItem(RELOADED, String(Date.now()))
  window.location.reload()
})

window.addEventListener('load', () => {
  setTimeout(fetchAhead, 1500)
})
