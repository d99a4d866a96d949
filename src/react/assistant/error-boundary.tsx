import { Component, type ReactNode } from 'react';

interface ErrorBoundaryProps {
  /** What is shown where the children cannot be drawn. */
  readonly fallback: ReactNode;
  /** With another the children are tried again. */
  readonly resetKey: string;
  readonly children: ReactNode;
}

/** Keeps what cannot be drawn from taking all around it away. React tells the console why. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { readonly isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { readonly isBroken: boolean } {
    return { isBroken: true };
  }

  override componentDidUpdate({ resetKey }: ErrorBoundaryProps): void {
    if (this.state.isBroken && resetKey !== this.props.resetKey) this.setState({ isBroken: false });
  }

  override render(): ReactNode {
    return this.state.isBroken ? this.props.fallback : this.props.children;
  }
}
