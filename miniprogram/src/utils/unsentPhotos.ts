// Photos of which nobody knows whether they arrived: kept while the app is open, and never written to the phone.
import type { Photo } from '../services/births'
import { ApiError } from './apiError'
import { newId } from './ids'

const unsent = new Map<string, Photo>()
const nameOf = (filingId: string, kind: string): string => `${filingId}/${kind}`

/** The photo that is still to be sent, if there is one. */
export function unsentPhoto(filingId: string, kind: string): Photo | undefined {
  return unsent.get(nameOf(filingId, kind))
}

/** A photo just taken, under a key of its own; one that was never sent makes room for it. */
export function keepPhoto(filingId: string, kind: string, content: string): Photo {
  const photo = { key: newId(), content }
  unsent.set(nameOf(filingId, kind), photo)
  return photo
}

/** Sends a photo; it is forgotten once it has arrived, or was looked at and refused. */
export async function sendPhoto(filingId: string, kind: string, send: (photo: Photo) => Promise<unknown>): Promise<void> {
  const photo = unsentPhoto(filingId, kind)
  if (!photo) return
  try {
    await send(photo)
  } catch (thrown) {
    if (thrown instanceof ApiError && !thrown.isUndecided) unsent.delete(nameOf(filingId, kind))
    throw thrown
  }
  unsent.delete(nameOf(filingId, kind))
}
