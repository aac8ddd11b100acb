// Build configuration for both targets; vite does the work, Taro supplies the platform.
import { defineConfig, type UserConfigExport } from '@tarojs/cli'
import { webBundle } from './webBundle'

// Sizes are written in px and mean px on every phone: the layout is fluid, and a small
// screen must not shrink the letters. So nothing is turned into rpx or rem.
const keepPixels = { pxtransform: { enable: false, config: { targetUnit: 'px' as 'rpx' } } }

export default defineConfig<'vite'>(() => {
  const type = process.env.TARO_ENV
  const config: UserConfigExport<'vite'> = {
    projectName: 'healthycity',
    designWidth: 375,
    deviceRatio: { 375: 2 },
    sourceRoot: 'src',
    outputRoot: `dist/${type}`,
    framework: 'react',
    compiler: { type: 'vite', vitePlugins: type === 'h5' ? webBundle() : [] },
    defineConstants: {
      // The mini-program needs a whole address; the web app lives at its API's origin.
      API_URL: JSON.stringify(type === 'h5' ? '' : (process.env.CITY_API_URL ?? 'http://127.0.0.1:8000')),
    },
    alias: {},
    plugins: [],
    mini: { postcss: keepPixels },
    h5: {
      publicPath: '/',
      staticDirectory: 'static',
      router: { mode: 'hash' },
      postcss: { ...keepPixels, autoprefixer: { enable: true, config: {} } },
      output: {
        entryFileName: 'js/[name].[hash].js',
        chunkFileName: 'js/[name].[hash].js',
        assetFileName: 'static/[name].[hash][extname]',
      } as never,
    },
  }
  return config
})
