// A photo of a paper, on the web: the browser's own picker or camera, made small before it is sent.

import { clientError } from './apiError'

// Letters on an identity card stay readable; a photo of ten megabytes becomes some hundred kilobytes.
const LONGEST = 1600
const QUALITY = 0.72

function choose(): Promise<File | null> {
  return new Promise((resolve) => {
    const input = document.createElement('input')
    input.type = 'file'
    input.accept = 'image/*'
    input.style.display = 'none'
    const done = (file: File | null): void => {
      input.remove()
      resolve(file)
    }
    input.onchange = () => {
      done(input.files?.[0] ?? null)
    }
    input.addEventListener('cancel', () => {
      done(null)
    })
    // Some browsers open the picker only of an input that is part of the document.
    document.body.appendChild(input)
    input.click()
  })
}

function load(file: File): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const address = URL.createObjectURL(file)
    const picture = new Image()
    picture.onload = () => {
      URL.revokeObjectURL(address)
      resolve(picture)
    }
    picture.onerror = () => {
      URL.revokeObjectURL(address)
      reject(clientError('NOT_A_PICTURE'))
    }
    picture.src = address
  })
}

/** Base64 of a JPEG, or nothing when the person changed her mind. */
export async function takePhoto(): Promise<string | null> {
  const file = await choose()
  if (!file) return null
  const picture = await load(file)
  const scale = Math.min(1, LONGEST / Math.max(picture.naturalWidth, picture.naturalHeight))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(picture.naturalWidth * scale))
  canvas.height = Math.max(1, Math.round(picture.naturalHeight * scale))
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
  return canvas.toDataURL('image/jpeg', QUALITY).split(',')[1] ?? null
}
