/** What an app draws itself of an answer, and what a browser draws better than React Native's primitives. */
import { type ComponentType, createContext, type ReactNode, useContext } from 'react';

/** A formula as it stands in an answer. */
export interface AnswerFormula {
  /** TeX, without what stands around it. */
  readonly tex: string;
  /** It stands on lines of its own, else within a sentence. */
  readonly isDisplay: boolean;
  /** Its end has not come yet: `tex` is what there is of it. */
  readonly isOpen: boolean;
  /** The same in Unicode: `x² + 1`. */
  readonly readable: string;
}

/** A block of an answer. */
export interface AnswerBlock {
  readonly type:
    | 'heading'
    | 'paragraph'
    | 'list'
    | 'quote'
    | 'code'
    | 'table'
    | 'rule'
    | 'math'
    | 'footnote'
    | 'other';
  /** Its Markdown. */
  readonly source: string;
  /** Of code: what stands between the fences. Of a formula: its TeX. */
  readonly text: string | undefined;
  /** Of code: as the model named it. */
  readonly language: string | undefined;
  /** More of it may come. */
  readonly isGrowing: boolean;
}

export interface TypesetProps {
  readonly tex: string;
  readonly isDisplay: boolean;
  /** What is seen until it is typeset, and where it cannot be. */
  readonly plain: ReactNode;
}

export interface ColouredCodeProps {
  /** As the model named it. */
  readonly language: string;
  readonly text: string;
  /** Of which `text` is made, with a line end between each two: each is drawn by an element of its own among the children. */
  readonly parts: readonly string[];
  readonly children: ReactNode;
}

/** What only browsers draw. */
export interface WebDrawing {
  readonly Typeset: ComponentType<TypesetProps>;
  readonly ColouredCode: ComponentType<ColouredCodeProps>;
}

export interface Rendering {
  /** Draws a formula, one within a sentence as what may stand in a `<Text>`; undefined leaves it to the assistant. */
  readonly renderMath?: ((formula: AnswerFormula) => ReactNode) | undefined;
  /** Draws a block; undefined leaves it to the assistant. Called again whenever more of the block has come. */
  readonly renderBlock?: ((block: AnswerBlock) => ReactNode) | undefined;
  /** Undefined in React Native. */
  readonly web?: WebDrawing | undefined;
}

const RenderingContext = createContext<Rendering>({});

export const RenderingProvider = RenderingContext;

export function useRendering(): Rendering {
  return useContext(RenderingContext);
}
