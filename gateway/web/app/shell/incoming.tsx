import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** Takes files that are dropped anywhere on the window, or pasted; says so while they hang over it. */
export function Incoming({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }): VNode | null {
  const [isOver, setOver] = useState(false)
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (!hasFiles(event.dataTransfer)) return
      event.preventDefault()
      setOver(true)
    }
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent): void => {
      setOver(false)
      if (!hasFiles(event.dataTransfer)) return
      event.preventDefault()
      onFiles([...(event.dataTransfer?.files ?? [])])
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
  if (!isOver) return null
  return (
    <div class="drop-veil" aria-hidden="true">
      <p>Drop to read</p>
    </div>
  )
}

function hasFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes('Files') === true
}
