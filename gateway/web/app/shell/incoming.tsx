import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/**
 * Takes files that are dropped anywhere on the window, or pasted; says so while they hang over it. A link that is dropped would
 * lead the browser away, and with it all documents.
 */
export function Incoming({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }): VNode | null {
  const [isOver, setOver] = useState<'files' | 'link' | null>(null)
  useEffect(() => {
    const over = (event: DragEvent): void => {
      const what = carried(event.dataTransfer)
      if (what === null) return
      event.preventDefault()
      setOver(what)
    }
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(null)
    }
    const drop = (event: DragEvent): void => {
      setOver(null)
      const what = carried(event.dataTransfer)
      if (what === null) return
      event.preventDefault()
      if (what === 'files') onFiles([...(event.dataTransfer?.files ?? [])])
    }
    const paste = ({ clipboardData }: ClipboardEvent): void => onFiles([...(clipboardData?.files ?? [])])
    const listening = new AbortController()
    const { signal } = listening
    addEventListener('dragenter', over, { signal })
    addEventListener('dragover', over, { signal })
    addEventListener('dragleave', leave, { signal })
    addEventListener('drop', drop, { signal })
    addEventListener('paste', paste, { signal })
    return () => listening.abort()
  }, [onFiles])
  if (isOver === null) return null
  return (
    <div class="drop-veil" aria-hidden="true">
      <p>{isOver === 'files' ? 'Drop to read' : 'A link is no file. Save it, and drop the file.'}</p>
    </div>
  )
}

/** Text may be dropped into fields, as ever. */
function carried(transfer: DataTransfer | null): 'files' | 'link' | null {
  if (transfer?.types.includes('Files') === true) return 'files'
  return transfer?.types.includes('text/uri-list') === true ? 'link' : null
}
