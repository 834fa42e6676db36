import { useEffect, useState } from 'preact/hooks'

/** Light, dark, or as the system has it. */
export type Theme = 'system' | 'light' | 'dark'

export const THEMES: readonly Theme[] = ['system', 'light', 'dark']
const NAME = 'ocr-gateway-theme'

/** The theme, kept for later visits. */
export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(keptTheme)
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme
    keepTheme(theme)
  }, [theme])
  return [theme, setTheme]
}

/** Browsers may refuse a page its storage. */
function keptTheme(): Theme {
  try {
    const kept = localStorage.getItem(NAME)
    return THEMES.find((theme) => theme === kept) ?? 'system'
  } catch {
    return 'system'
  }
}

function keepTheme(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(NAME)
    else localStorage.setItem(NAME, theme)
  } catch {
    // It lasts as long as the page.
  }
}
