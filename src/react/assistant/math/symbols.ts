/** What commands of TeX are in Unicode. */

const SYMBOLS = `alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ
lambda λ mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω
Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
infty ∞ partial ∂ nabla ∇ hbar ℏ ell ℓ Re ℜ Im ℑ aleph ℵ emptyset ∅ varnothing ∅ angle ∠ triangle △ square □ degree °
circ ∘ prime ′ dagger † star ⋆ bullet • forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ top ⊤ bot ⊥ checkmark ✓
ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱ dotsc … dotsb ⋯ lbrace { rbrace } lbrack [ rbrack ] backslash \\ vert | Vert ‖
lvert | rvert | lVert ‖ rVert ‖ langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ sum ∑ prod ∏ coprod ∐ int ∫ iint ∬
iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ surd √ imath ı jmath ȷ pounds £ euro € S § copyright ©`;

const OPERATORS = `times × div ÷ cdot · pm ± mp ∓ ast ∗ oplus ⊕ ominus ⊖ otimes ⊗ odot ⊙ cup ∪ cap ∩ setminus ∖
wedge ∧ land ∧ vee ∨ lor ∨ bmod mod`;

const RELATIONS = `le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ lt < gt > ne ≠ neq ≠ ll ≪ gg ≫ approx ≈ equiv ≡ sim ∼ simeq ≃
cong ≅ propto ∝ doteq ≐ in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇ nsubseteq ⊈ perp ⊥ parallel ∥ mid ∣ nmid ∤
to → rightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹ impliedby ⟸ iff ⟺
longrightarrow ⟶ longleftarrow ⟵ Longrightarrow ⟹ Longleftrightarrow ⟺ mapsto ↦ longmapsto ⟼ uparrow ↑ downarrow ↓
rightleftharpoons ⇌ leftrightharpoons ⇋ rightharpoonup ⇀ hookrightarrow ↪ models ⊨ vdash ⊢ colon : therefore ∴ because ∵
xrightarrow → xleftarrow ← triangleq ≜ coloneqq ≔`;

const BLACKBOARD = 'A𝔸B𝔹CℂD𝔻E𝔼F𝔽G𝔾HℍI𝕀J𝕁K𝕂L𝕃M𝕄NℕO𝕆PℙQℚRℝS𝕊T𝕋U𝕌V𝕍W𝕎X𝕏Y𝕐Zℤ1𝟙';

const ACCENTS = `vec ⃗ hat ̂ widehat ̂ bar ̄ overline ̅ dot ̇ ddot ̈ tilde ̃ widetilde ̃ acute ́ grave ̀ check ̌ breve ̆
overrightarrow ⃗ underline ̲ not ̸ mathring ̊`;

function read(table: string): ReadonlyMap<string, string> {
  const words = table.split(/\s+/);
  return new Map(words.flatMap((name, at) => (at % 2 === 0 ? [[name, words[at + 1] ?? '']] : [])));
}

export const SIGNS = read(SYMBOLS);
export const BINARY = read(OPERATORS);
export const RELATING = read(RELATIONS);
/** Marks that are set on the character before them. */
export const ACCENT = read(ACCENTS);

/** With the letters that have no doubled form as they are. */
export function blackboard(text: string): string {
  const signs = [...BLACKBOARD];
  return [...text].map((letter) => signs[signs.indexOf(letter) + 1] ?? letter).join('');
}

/** Names that are written upright, and apart from what follows. */
export const FUNCTIONS: ReadonlySet<string> = new Set(
  `sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln lg exp lim limsup liminf max min sup inf
  arg det dim ker deg gcd lcm hom Pr`.split(/\s+/),
);
