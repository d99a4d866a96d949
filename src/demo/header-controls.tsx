/** The page's own controls, in the assistant's header. */
import type { ReactElement, RefObject } from 'react';

interface HeaderControlsProps {
  readonly toggle: RefObject<HTMLButtonElement | null>;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  readonly email: string | undefined;
  /** Undefined where nobody signs in. */
  readonly onSignOut: (() => Promise<void>) | undefined;
}

export function HeaderControls({
  toggle,
  isOpen,
  onToggle,
  email = '',
  onSignOut,
}: HeaderControlsProps): ReactElement {
  const leave = `Sign out ${email}`.trim();
  return (
    <div className="header-controls">
      {onSignOut && (
        <button
          type="button"
          className="icon-button"
          aria-label={leave}
          title={leave}
          onClick={() => void onSignOut()}
        >
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M8 3.5H4.5v13H8M8.5 10H17M13.5 6.5L17 10l-3.5 3.5" />
          </svg>
        </button>
      )}
      <button
        ref={toggle}
        type="button"
        className="button button-quiet"
        aria-expanded={isOpen}
        aria-controls="panel"
        onClick={onToggle}
      >
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M3 15.5v-4M8 15.5v-9M12.5 15.5v-6M17 15.5v-11" />
        </svg>
        <span className="button-words">Under the hood</span>
      </button>
    </div>
  );
}
