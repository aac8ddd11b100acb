// A photo of a paper, in the mini-program: taken or chosen, made small by WeChat itself.
import Taro from '@tarojs/taro'

/** Base64 of a picture, mostly a JPEG, or nothing when the person changed her mind. */
export async function takePhoto(): Promise<string | null> {
  const chosen = await Taro.chooseImage({ count: 1, sizeType: ['compressed'] }).catch((failure: unknown) => {
    if (/cancel/i.test((failure as { errMsg?: string }).errMsg ?? '')) return null
    throw failure
  })
  const path = chosen?.tempFilePaths[0]
  if (!path) return null
  // Only a JPEG is made smaller: a screenshot stays what it is, on some phones by a refusal.
  const small = await Taro.compressImage({ src: path, quality: 60 }).catch(() => null)
  return Taro.getFileSystemManager().readFileSync(small?.tempFilePath ?? path, 'base64') as string
}
