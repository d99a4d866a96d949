import { describe, expect, it } from 'vitest';
import { readableMath } from '../../src/react/assistant/math/readable-math.ts';
import { spokenText } from '../../src/react/assistant/message-text.ts';

describe('a formula without typesetting', () => {
  it.each([
    ['x^2 + y^{10} \\le z_1', 'x² + y¹⁰ ≤ z₁'],
    ['x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}', 'x = (−b ± √(b² − 4ac))/(2a)'],
    ['\\frac{1}{2}x^2 + \\dfrac{a+b}{c}', '1/2 x² + (a + b)/c'],
    ['\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}', '∑ᵢ₌₁ⁿ i = (n(n + 1))/2'],
    ['\\int_0^\\infty e^{-x}\\,dx', '∫₀^∞ e⁻ˣ dx'],
    ['\\lim_{x \\to 0} \\frac{\\sin x}{x} = 1', 'lim_(x → 0) (sin x)/x = 1'],
    ['\\sqrt{2} \\ne \\sqrt[3]{27}', '√2 ≠ ∛27'],
    ['\\vec{F} = m\\vec{a}', 'F⃗ = ma⃗'],
    ['x \\in \\mathbb{R}^n \\Rightarrow \\alpha\\beta', 'x ∈ ℝⁿ ⇒ αβ'],
    ['\\left( \\frac{a}{b} \\right)^2', '(a/b)²'],
    ["90^\\circ, f'(x), 10\\%", '90°, f′(x), 10%'],
    ['\\text{speed} = \\frac{\\text{distance}}{\\text{time}}', 'speed = distance/time'],
    ['\\begin{align} a &= b + c \\\\ &= -d \\end{align}', 'a = b + c\n= −d'],
    ['\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}', '(1, 2; 3, 4)'],
    [
      '\\begin{cases} x & \\text{if } x \\ge 0 \\\\ -x & \\text{else} \\end{cases}',
      '{ x, if x ≥ 0; −x, else',
    ],
    ['\\ce{2H2 + O2 -> 2H2O}', '2H₂ + O₂ → 2H₂O'],
    ['\\ce{SO4^2- + Ba^2+ <=> BaSO4 v}', 'SO₄²⁻ + Ba²⁺ ⇌ BaSO₄ ↓'],
    ['\\ce{Na+ + Cl-}', 'Na⁺ + Cl⁻'],
    ['\\ce{^{14}_{6}C -> ^{14}_{7}N + e-}', '¹⁴₆C → ¹⁴₇N + e⁻'],
    ['\\unknown{x} + \\foo', 'x + foo'],
    ['x = \\frac{-b \\pm \\sqrt{b^2', 'x = −b ± √(b²)'],
    ['}} x', 'x'],
  ])('reads %j as %j', (tex, text) => {
    expect(readableMath(tex)).toBe(text);
  });

  it('has an end, however hostile', () => {
    for (const part of [
      '{',
      '\\frac{',
      '\\sqrt',
      '\\sqrt[',
      '\\begin{align}',
      '\\begin{cases}&',
      '^',
      '_{',
      '\\text{',
      '\\ce{',
    ])
      expect(readableMath(part.repeat(8000 / part.length)).length).toBeLessThan(20_000);
    expect(readableMath('x'.repeat(1_000_000))).toHaveLength(1_000_000);
  });
});

it('is read out as it is read, and never cut', () => {
  const answer = 'By **Pythagoras**:\n\n\\[\na^2 + b^2\n= c^2\n\\]\n\nSo $c = \\sqrt{2}$[^1]. ';
  const half = answer.indexOf('= c^2');
  expect(spokenText(answer.slice(0, half), 0, false)?.text).toBe('By Pythagoras:');
  expect(spokenText(answer, 0, false)?.text).toBe('By Pythagoras: a² + b² = c² So c = √2.');
});
