// Handing an order to WeChat, in the mini-program and in WeChat's browser.
import Taro from '@tarojs/taro'
import type { PaymentParams } from '../services/types'
import { isWeapp } from './platform'

/** What the person did; whether the money came is for the server to say. */
export type PayOutcome = 'done' | 'cancelled' | 'failed'

interface Bridge {
  invoke: (method: string, params: object, callback: (answer: { err_msg?: string }) => void) => void
}

function bridge(): Promise<Bridge> {
  const host = window as unknown as { WeixinJSBridge?: Bridge }
  if (host.WeixinJSBridge) return Promise.resolve(host.WeixinJSBridge)
  return new Promise((resolve) => {
    document.addEventListener('WeixinJSBridgeReady', () => {
      if (host.WeixinJSBridge) resolve(host.WeixinJSBridge)
    }, { once: true })
  })
}

async function payInWechatBrowser(params: PaymentParams): Promise<PayOutcome> {
  const wechat = await bridge()
  return new Promise((resolve) => {
    wechat.invoke('getBrandWCPayRequest', params, ({ err_msg: message = '' }) => {
      if (message.endsWith(':ok')) resolve('done')
      else resolve(message.endsWith(':cancel') ? 'cancelled' : 'failed')
    })
  })
}

async function payInMiniProgram(params: PaymentParams): Promise<PayOutcome> {
  try {
    await Taro.requestPayment({
      timeStamp: params.timeStamp, nonceStr: params.nonceStr, package: params.package,
      signType: params.signType as 'RSA', paySign: params.paySign,
    })
    return 'done'
  } catch (failure) {
    return /cancel/.test((failure as { errMsg?: string }).errMsg ?? '') ? 'cancelled' : 'failed'
  }
}

/** Opens WeChat's own payment sheet. */
export function payByWechat(params: PaymentParams): Promise<PayOutcome> {
  return isWeapp ? payInMiniProgram(params) : payInWechatBrowser(params)
}
