/** Pictures are kept compressed, and so many bytes of them. */
const MAX_BYTES = 64 * 1024 * 1024

/** The pictures of pages. */
export interface Pictures {
  /** Keeps the picture of a page, given as a data URL. Pictures far from the page that is looked at make room. */
  keep(page: number, dataUrl: string): void
  /** Null: there is none yet, or there was no room for it. */
  get(page: number): Blob | null
  /** Says which page is looked at. */
  lookAt(page: number): void
  clear(): void
}

/** Creates a store of pictures. */
export function createPictures(maxBytes = MAX_BYTES): Pictures {
  const blobs = new Map<number, Blob>()
  let bytes = 0
  let near = 1

  const drop = (page: number): void => {
    bytes -= blobs.get(page)?.size ?? 0
    blobs.delete(page)
  }
  const farthest = (): number => {
    let found = near
    for (const page of blobs.keys()) if (Math.abs(page - near) > Math.abs(found - near)) found = page
    return found
  }
  const makeRoom = (): void => {
    if (bytes <= maxBytes || blobs.size < 2) return
    drop(farthest())
    makeRoom()
  }
  return {
    keep: (page, dataUrl) => {
      const blob = blobOf(dataUrl)
      if (blob === null) return
      drop(page)
      blobs.set(page, blob)
      bytes += blob.size
      makeRoom()
    },
    get: (page) => blobs.get(page) ?? null,
    lookAt: (page) => {
      near = page
    },
    clear: () => {
      blobs.clear()
      bytes = 0
    },
  }
}

/** Only pictures: what comes with another type is not shown. */
const PICTURE = /^data:(image\/(?:jpeg|png|webp));base64,/

/** Decodes a data URL; null: it holds no picture. */
export function blobOf(dataUrl: string): Blob | null {
  const head = PICTURE.exec(dataUrl)
  if (head === null) return null
  const [{ length }, type = ''] = head
  try {
    const binary = atob(dataUrl.slice(length))
    return new Blob([Uint8Array.from(binary, (character) => character.charCodeAt(0))], { type })
  } catch {
    return null
  }
}
