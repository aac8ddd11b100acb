// What the web bundle needs beyond Taro's own build.
import type { Plugin } from 'vite'

/**
 * One style sheet, and the names of the page chunks in the document: the app loads them all once it is idle
 * (`platform/global.h5.ts`), so that every page, the health code above all, opens when the network has gone.
 */
function pageNames(): Plugin {
  let pages: string[] = []
  return {
    name: 'healthycity:page-names',
    config: () => ({ build: { cssCodeSplit: false } }),
    generateBundle: {
      order: 'pre',
      handler(_options, bundle) {
        pages = Object.values(bundle).flatMap((file) => (file.type === 'chunk' && file.isDynamicEntry ? [`/${file.fileName}`] : []))
      },
    },
    transformIndexHtml: {
      enforce: 'post',
      transform: () => [{ tag: 'meta', attrs: { name: 'hc-pages', content: pages.join(' ') }, injectTo: 'head' }],
    },
  }
}

const FONT_FACE = /@font-face\s*\{[^{}]*url\(\s*["']?data:[^{}]*\}/g

/**
 * Taro and NutUI carry icon fonts as `data:` addresses: nothing here draws with them, and the content
 * security policy refuses them with an error on every page.
 */
function noEmbeddedFonts(): Plugin {
  return {
    name: 'healthycity:no-embedded-fonts',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        for (const file of Object.values(bundle)) {
          if (file.type === 'chunk') file.code = file.code.replace(FONT_FACE, '')
          else if (file.fileName.endsWith('.css')) file.source = String(file.source).replace(FONT_FACE, '')
        }
      },
    },
  }
}

export function webBundle(): Plugin[] {
  return [pageNames(), noEmbeddedFonts()]
}
