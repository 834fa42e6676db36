import type { VNode } from 'preact'
import { THEMES, useTheme, type Theme } from './theme.ts'

const WORDS: Readonly<Record<Theme, string>> = { system: 'System', light: 'Light', dark: 'Dark' }

/** Chooses between light, dark and what the system has, and sees to it. */
export function ThemeChoice(): VNode {
  const [theme, setTheme] = useTheme()
  return (
    <label class="inline-field theme-field">
      <span class="unseen">Theme</span>
      <select value={theme} onChange={({ currentTarget }) => setTheme(currentTarget.value as Theme)}>
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {WORDS[each]}
          </option>
        ))}
      </select>
    </label>
  )
}
