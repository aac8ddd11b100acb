// Handing a file to the person, in the mini-program: kept for a moment, opened by the phone's own viewer.
import Taro from '@tarojs/taro'

export async function saveFile(content: ArrayBuffer, name: string): Promise<void> {
  const { env } = Taro as unknown as { env: { USER_DATA_PATH: string } }
  const path = `${env.USER_DATA_PATH}/${name}`
  Taro.getFileSystemManager().writeFileSync(path, content, 'binary')
  await Taro.openDocument({ filePath: path, showMenu: true })
}
