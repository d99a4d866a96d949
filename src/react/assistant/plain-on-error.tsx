import { Component, type ReactNode } from 'react';

interface PlainOnErrorProps {
  /** What is shown where the children cannot be drawn. */
  readonly plain: ReactNode;
  /** With another the children are tried again. */
  readonly attempt: string;
  readonly children: ReactNode;
}

/** Keeps what cannot be drawn from taking all around it away. React tells the console why. */
export class PlainOnError extends Component<PlainOnErrorProps, { readonly isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { readonly isBroken: boolean } {
    return { isBroken: true };
  }

  override componentDidUpdate({ attempt }: PlainOnErrorProps): void {
    if (this.state.isBroken && attempt !== this.props.attempt) this.setState({ isBroken: false });
  }

  override render(): ReactNode {
    return this.state.isBroken ? this.props.plain : this.props.children;
  }
}
