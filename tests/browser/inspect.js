// What is wrong with the page in view, as people would notice it; the answer is a list of sentences.
// `touch` is the least width and height in px of anything that is tapped, `letters` that of a letter.
({ touch, letters }) => {
  const faults = []
  const inView = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  const nameOf = (e) => {
    const text = (e.innerText || e.getAttribute('aria-label') || e.getAttribute('name') || '').replace(/\s+/g, ' ').trim().slice(0, 24)
    return `${e.tagName.toLowerCase()}${e.classList.length ? '.' + [...e.classList].join('.') : ''} "${text}"`
  }
  const size = (n) => Math.round(n * 10) / 10
  const hides = (overflow) => overflow === 'hidden' || overflow === 'clip'

  const sideways = () => {
    const frames = [document.documentElement, document.body, ...document.querySelectorAll('.taro_page')]
    for (const e of frames.filter(inView)) {
      if (e.scrollWidth > e.clientWidth + 1) faults.push(`${nameOf(e).slice(0, 40)} is ${e.scrollWidth} wide in ${e.clientWidth}`)
    }
  }

  // A link in the middle of a sentence may be as low as its line (WCAG 2.5.8).
  const inSentence = (e) => e.tagName === 'A' && getComputedStyle(e).display === 'inline' &&
    e.parentElement.textContent.trim().length > e.textContent.trim().length
  const targets = () => {
    const wanted = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=radio], [role=tab], [role=checkbox], [role=switch]'
    for (const e of document.querySelectorAll(wanted)) {
      const label = e.matches('[type=checkbox], [type=radio]') ? e.labels[0] : null
      const { width, height, right } = (label ?? e).getBoundingClientRect()
      if (!inView(e) || width <= 1 || right < 0 || inSentence(e)) continue
      if (Math.min(width, height) < touch - 0.5) faults.push(`${nameOf(e)} is only ${size(width)} x ${size(height)} to tap`)
      const named = e.getAttribute('aria-label') || e.innerText || e.title || e.labels?.length || e.querySelector('[alt], [aria-label]')
      if (!named) faults.push(`${nameOf(e)} has no name`)
    }
    for (const image of document.images) {
      if (inView(image) && image.complete && image.naturalWidth === 0) faults.push(`the picture ${image.src} is missing`)
    }
  }

  const colour = (text) => {
    const parts = (text.match(/[\d.]+/g) ?? []).map(Number)
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 }
  }
  const light = ([r, g, b]) => {
    const part = (n) => (n / 255 <= 0.03928 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
  }
  // The colour behind an element; null where a picture or a gradient makes it many.
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const style = getComputedStyle(at)
      if (style.backgroundImage !== 'none') return null
      const { rgb, alpha } = colour(style.backgroundColor)
      if (alpha === 1) return rgb
      if (alpha > 0) return null
    }
    return [255, 255, 255]
  }
  const isOff = (e) => e.closest(':disabled, [aria-disabled=true], .weui-tabbar') !== null
  const legible = (e, style) => {
    const px = parseFloat(style.fontSize)
    if (px < letters) faults.push(`${nameOf(e)} has letters of ${px} px`)
    const behind = ground(e)
    const { rgb, alpha } = colour(style.color)
    if (!behind || alpha < 1 || isOff(e)) return
    const [a, b] = [light(rgb), light(behind)].sort((x, y) => y - x)
    const large = px >= 24 || (px >= 18.66 && Number(style.fontWeight) >= 700)
    const contrast = (a + 0.05) / (b + 0.05)
    if (contrast < (large ? 3 : 4.5)) faults.push(`${nameOf(e)} has a contrast of only ${size(contrast)}`)
  }

  const cutBy = (e, rect) => {
    let [across, down] = [true, true]
    for (let at = e; at && at !== document.documentElement; at = at.parentElement) {
      const style = getComputedStyle(at)
      const box = at.getBoundingClientRect()
      if (box.width <= 2 || box.height <= 2) return false // for screen readers alone
      if (style.webkitLineClamp !== 'none') down = false
      if (across && hides(style.overflowX) && (rect.right > box.right + 1.5 || rect.left < box.left - 1.5)) return true
      if (down && hides(style.overflowY) && (rect.bottom > box.bottom + 4 || rect.top < box.top - 4)) return true
      if (!hides(style.overflowX) && style.overflowX !== 'visible') across = false
      if (!hides(style.overflowY) && style.overflowY !== 'visible') down = false
      const solid = at.matches('button, .tag, .state, td, th') && style.display !== 'inline'
      if (solid && (rect.right > box.right + 1.5 || rect.left < box.left - 1.5)) return true
    }
    return false
  }
  // What is left of a rectangle after its ancestors have cut it; null when that is nothing.
  const visiblePart = (e, rect) => {
    let { left, right, top, bottom } = rect
    for (let at = e; at && at !== document.documentElement; at = at.parentElement) {
      const style = getComputedStyle(at)
      const box = at.getBoundingClientRect()
      if (style.overflowX !== 'visible') [left, right] = [Math.max(left, box.left), Math.min(right, box.right)]
      if (style.overflowY !== 'visible') [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)]
    }
    return right - left > 1 && bottom - top > 1 ? { left, right, top, bottom, height: bottom - top } : null
  }
  const texts = () => {
    const shown = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const e = node.parentElement
      if (!node.data.trim() || e.closest('script, style, option, noscript') || !inView(e)) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      const rects = [...range.getClientRects()].filter((rect) => rect.width > 1 && rect.height > 1)
      if (rects.length === 0) continue
      if (!e.title && rects.some((rect) => cutBy(e, rect))) faults.push(`${nameOf(e)} is cut off`)
      const style = getComputedStyle(e)
      const dots = style.textOverflow === 'ellipsis' && e.scrollWidth > e.clientWidth + 1
      if (dots && !e.title) faults.push(`${nameOf(e)} ends in dots`)
      legible(e, style)
      shown.push(...rects.map((rect) => ({ e, rect: visiblePart(e, rect) })).filter(({ rect }) => rect))
    }
    return shown
  }

  // Two texts in one place: neither can be read. What floats above the page is not on it.
  const floats = (e) => e.closest('[role=dialog], .nut-popup, .nut-overlay, .weui-tabbar, .taro__toast') !== null ||
    (() => { for (let at = e; at; at = at.parentElement) if (['fixed', 'sticky'].includes(getComputedStyle(at).position)) return true; return false })()
  const overlaps = (shown) => {
    const lying = shown.filter(({ e }) => !floats(e))
    lying.forEach((a, i) => {
      for (const b of lying.slice(i + 1)) {
        if (a.e === b.e || a.e.contains(b.e) || b.e.contains(a.e)) continue
        const across = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left)
        const down = Math.min(a.rect.bottom, b.rect.bottom) - Math.max(a.rect.top, b.rect.top)
        if (across > 3 && down > Math.min(a.rect.height, b.rect.height) * 0.4) faults.push(`${nameOf(a.e)} lies over ${nameOf(b.e)}`)
      }
    })
  }

  sideways()
  targets()
  overlaps(texts())
  return [...new Set(faults)]
}
