// Handing a file to the person, in the mini-program: kept for a moment, then shown by WeChat as far as it can.
import Taro from '@tarojs/taro'
import { files as t } from '../texts/reports'

/** All that WeChat's viewer opens. */
const DOCUMENTS = /\.(?:doc|docx|xls|xlsx|ppt|pptx|pdf)$/
const PICTURES = /\.(?:jpg|png)$/

/** Into a chat, one's own if one likes: the only way out of WeChat for a file that it cannot open. */
async function sendToChat(filePath: string, fileName: string): Promise<void> {
  const { confirm } = await Taro.showModal({ title: t.title, content: t.send, confirmText: t.yes, cancelText: t.no })
  if (!confirm) return
  await new Promise<void>((resolve, reject) => {
    const fail = ({ errMsg }: { errMsg: string }): void => {
      if (/cancel/i.test(errMsg)) resolve()
      else reject(new Error(errMsg))
    }
    void Taro.shareFileMessage({
      filePath, fileName, fail,
      success: () => {
        resolve()
      },
    })
  })
}

export async function saveFile(content: ArrayBuffer, name: string): Promise<void> {
  const { env } = Taro as unknown as { env: { USER_DATA_PATH: string } }
  const path = `${env.USER_DATA_PATH}/${name}`
  Taro.getFileSystemManager().writeFileSync(path, content, 'binary')
  if (DOCUMENTS.test(name)) await Taro.openDocument({ filePath: path, showMenu: true })
  else if (PICTURES.test(name)) await Taro.previewImage({ urls: [path], current: path })
  else await sendToChat(path, name)
}
