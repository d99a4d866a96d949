/** The page: the assistant, and beside it, or over it on a small screen, the panel. */
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from 'react';
import { useColorScheme } from 'react-native';
import { DARK, LIGHT } from '../react/assistant/theme.ts';
import type { Demo } from './create-demo.ts';
import { Panel } from './panel.tsx';

/** Both fit beside each other. */
const WIDE = matchMedia('(min-width: 1100px)');

export function Page({
  demo,
  children,
}: {
  readonly demo: Demo;
  readonly children: ReactNode;
}): ReactElement {
  const isDark = useColorScheme() === 'dark';
  const [open, setOpen] = useState(WIDE.matches);
  const toggle = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    toggle.current?.focus();
  };
  const uncover = (): void => {
    if (!WIDE.matches) close();
  };
  useEffect(() => {
    if (!open) return;
    const pressed = ({ key }: KeyboardEvent): void => {
      if (key === 'Escape' && !WIDE.matches) {
        setOpen(false);
        toggle.current?.focus();
      }
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [open]);
  return (
    <div className="page" data-panel={open ? 'open' : 'closed'} style={paletteProperties(isDark)}>
      <header className="bar">
        <p className="bar-name">
          <strong>Dash Relay</strong>{' '}
          <span className="bar-note">Ask something, then cut the network: no word is lost</span>
        </p>
        <button
          ref={toggle}
          type="button"
          className="button button-quiet"
          aria-expanded={open}
          aria-controls="panel"
          onClick={() => setOpen(!open)}
        >
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M3 15.5v-4M8 15.5v-9M12.5 15.5v-6M17 15.5v-11" />
          </svg>
          Under the hood
        </button>
      </header>
      <div className="assistant">{children}</div>
      <Panel demo={demo} isOpen={open} onClose={close} onFault={uncover} />
    </div>
  );
}

/** The assistant's colours as custom properties such as `--accent-soft`: `page.css` uses them, so that all is of one piece. */
function paletteProperties(isDark: boolean): Readonly<Record<string, string>> {
  const palette = isDark ? DARK : LIGHT;
  return Object.fromEntries(Object.entries(palette).map(([name, value]) => [`--${dashed(name)}`, value]));
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
