/** The page: the assistant, and beside it, or over it on a small screen, the panel. */
import { type ReactElement, type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { DashAssistant, ENGLISH } from '../react/index.ts';
import { CLAIM, OPENING } from './catalogue.ts';
import type { Demo } from './create-demo.ts';
import { HeaderControls } from './header-controls.tsx';
import { useOpening } from './opening.ts';
import { usePaletteProperties } from './palette-properties.ts';
import { Panel } from './panel.tsx';

/** Both fit beside each other. */
const WIDE = matchMedia('(min-width: 1100px)');

const WORDS = { greeting: 'This is Dash Relay', greetingDetail: CLAIM };
const SUGGESTIONS = [OPENING, ...ENGLISH.starters.slice(1)];

export interface PageProps {
  readonly demo: Demo;
  /** Who is signed in; undefined where nobody has to. */
  readonly email: string | undefined;
  /** It may ask its first question by itself, which costs nothing. */
  readonly asksItself: boolean;
}

export function Page({ demo, email, asksItself }: PageProps): ReactElement {
  const toggle = useRef<HTMLButtonElement>(null);
  const { isOpen, flip, close, uncover } = usePanel(toggle);
  const { telemetry } = demo;
  useOpening(
    asksItself,
    useCallback(() => telemetry.note('The page asks by itself; you can stop the answer'), [telemetry]),
  );
  const controls = useMemo(
    () => (
      <HeaderControls
        toggle={toggle}
        isOpen={isOpen}
        onToggle={flip}
        email={email}
        onSignOut={demo.signOut}
      />
    ),
    [isOpen, flip, email, demo.signOut],
  );
  return (
    <div className="page" data-panel={isOpen ? 'open' : 'closed'} style={usePaletteProperties()}>
      <div className="assistant">
        <DashAssistant strings={WORDS} suggestions={SUGGESTIONS} headerEnd={controls} />
      </div>
      <Panel demo={demo} isOpen={isOpen} onClose={close} onFault={uncover} />
    </div>
  );
}

function usePanel(toggle: RefObject<HTMLButtonElement | null>) {
  const [isOpen, setOpen] = useState(WIDE.matches);
  const flip = useCallback(() => setOpen((wasOpen) => !wasOpen), []);
  const close = useCallback(() => {
    setOpen(false);
    toggle.current?.focus();
  }, [toggle]);
  const uncover = useCallback(() => {
    if (!WIDE.matches) close();
  }, [close]);
  useEffect(() => {
    if (!isOpen) return;
    const pressed = ({ key }: KeyboardEvent): void => {
      if (key === 'Escape') uncover();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [isOpen, uncover]);
  return { isOpen, flip, close, uncover };
}
