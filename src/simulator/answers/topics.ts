/** The school topics the simulated assistant really knows: short, checked facts. Anything else gets a study guide. */

export interface Topic {
  readonly match: RegExp;
  readonly name: string;
  readonly definition: string;
  /** Two to four key ideas. */
  readonly ideas: readonly string[];
  /** Markdown: an example, a table or code. */
  readonly example: string;
  /** Questions with their answers. */
  readonly questions: readonly (readonly [question: string, answer: string])[];
}

export const TOPICS: readonly Topic[] = [
  {
    match: /sky.{0,20}blue|blue sky|sunset|rainbow/iu,
    name: 'the colours of the sky',
    definition:
      'Sunlight looks white, but it is a mix of all colours. On its way through the air, blue light is scattered in all directions much more than red, so blue reaches your eyes from every part of the sky.',
    ideas: [
      'Light travels as waves: **blue** waves are short, **red** ones are long.',
      'The tiny molecules of the air scatter short waves most (*Rayleigh scattering*).',
      'At sunset the light crosses far more air: the blue is gone, and **red and orange** are left. 🌅',
    ],
    example:
      'Try it: shine a torch through a glass of water with a few drops of milk. From the side it looks bluish, from the far end orange.',
    questions: [
      ['Which waves are longer, red or blue?', 'red'],
      ['Why is a sunset red?', 'most of the blue was scattered away on the long path through the air'],
      ['What colour is the sky on the Moon, which has no air?', 'black'],
    ],
  },
  {
    match: /photosynth|plants? (make|eat|get|feed)|chlorophyll/iu,
    name: 'photosynthesis',
    definition:
      'Photosynthesis is how a green plant makes its own food: it uses light to turn water and carbon dioxide into sugar, and gives off oxygen.',
    ideas: [
      '**Light** is caught by chlorophyll, the green pigment in the leaves.',
      '**Water** comes up from the roots; **carbon dioxide** comes in through tiny pores called stomata.',
      '**Sugar** is stored or used to grow, and **oxygen** goes out into the air we breathe.',
    ],
    example: '```text\n6 CO₂ + 6 H₂O  —light→  C₆H₁₂O₆ + 6 O₂\n```',
    questions: [
      ['Which gas does a plant take in for photosynthesis?', 'carbon dioxide'],
      ['Which green pigment catches the light?', 'chlorophyll'],
      ['What does the plant give off?', 'oxygen'],
    ],
  },
  {
    match: /fraction|numerator|denominator/iu,
    name: 'fractions',
    definition:
      'A fraction is a way to write a part of a whole. The **denominator** (below) says into how many equal parts the whole is cut; the **numerator** (above) says how many of them we have.',
    ideas: [
      'Equal parts matter: half a pizza is only a half if both pieces are the same size. 🍕',
      'Fractions can look different and be equal: ½ = 2/4 = 4/8.',
      'To add fractions, first give them the same denominator.',
    ],
    example:
      '| sum | same denominator | result |\n|---|---|---|\n| 1/2 + 1/4 | 2/4 + 1/4 | **3/4** |\n| 1/3 + 1/6 | 2/6 + 1/6 | **3/6 = 1/2** |',
    questions: [
      ['Which is larger, 1/3 or 1/4?', '1/3: fewer parts, so each is bigger'],
      ['What is 1/2 + 1/4?', '3/4'],
      ['Simplify 6/8.', '3/4'],
    ],
  },
  {
    match: /water cycle|evaporat|condens|precipitation|\brain\b/iu,
    name: 'the water cycle',
    definition:
      'The water cycle is the never-ending journey of water between the sea, the sky and the land. No water is used up: it only changes place and form.',
    ideas: [
      '**Evaporation:** the sun warms water, and it rises as invisible vapour.',
      '**Condensation:** high up it is cold, so the vapour turns into droplets: clouds. ☁️',
      '**Precipitation:** droplets join, grow heavy and fall as rain, hail or snow.',
      '**Collection:** rivers and groundwater carry the water back to the sea.',
    ],
    example:
      'Try it: put a little warm water in a glass, cover it with cling film and lay an ice cube on top. Within minutes it "rains" inside.',
    questions: [
      ['What gives the energy for evaporation?', 'the sun'],
      ['What are clouds made of?', 'tiny droplets of water, or ice'],
      ['Name two kinds of precipitation.', 'rain and snow, for example'],
    ],
  },
  {
    match: /pythag|hypotenuse|right(-| )angled? triangle/iu,
    name: "Pythagoras' theorem",
    definition:
      'In a right-angled triangle the square on the longest side (the hypotenuse) is as large as the squares on the other two sides together: **a² + b² = c²**.',
    ideas: [
      'It holds only for triangles with a right angle (90°).',
      'The hypotenuse `c` is always opposite the right angle.',
      'To find a shorter side, subtract: a² = c² − b².',
    ],
    example: 'With legs of 3 cm and 4 cm:\n\n```text\nc² = 3² + 4² = 9 + 16 = 25\nc  = √25 = 5 cm\n```',
    questions: [
      ['Legs of 6 and 8: how long is the hypotenuse?', '10'],
      ['Hypotenuse 13, one leg 5: the other leg?', '12'],
      ['Is a triangle with sides 2, 3 and 4 right-angled?', 'no: 4 + 9 is 13, not 16'],
    ],
  },
  {
    match: /solar system|planet|orbit|\bmoon\b/iu,
    name: 'the solar system',
    definition:
      'The solar system is the Sun and everything that gravity keeps in orbit around it: eight planets, their moons, dwarf planets such as Pluto, asteroids and comets.',
    ideas: [
      'The four inner planets (Mercury, Venus, Earth, Mars) are small and rocky.',
      'The four outer ones (Jupiter, Saturn, Uranus, Neptune) are giants of gas and ice. 🪐',
      'A year is one trip around the Sun; a day is one turn of the planet itself.',
    ],
    example:
      '| planet | one trip around the Sun |\n|---|---|\n| Mercury | 88 days |\n| Earth | 365¼ days |\n| Jupiter | about 12 years |\n| Neptune | about 165 years |',
    questions: [
      ['Which planet is the largest?', 'Jupiter'],
      ['Which planet is closest to the Sun?', 'Mercury'],
      ['What holds the planets in their orbits?', "the Sun's gravity"],
    ],
  },
  {
    match: /gravity|newton|free fall/iu,
    name: 'gravity',
    definition:
      'Gravity is the pull between all things that have mass. You notice it only when one of them is huge, like the Earth.',
    ideas: [
      'The more mass, the stronger the pull; the further apart, the weaker.',
      'Near the ground everything speeds up equally, by 9.8 m/s each second, if air does not hold it back.',
      '**Mass** is how much matter you are (kg); **weight** is how hard gravity pulls you (newtons).',
    ],
    example: 'A 10 kg school bag weighs about 98 N on Earth, and only about 16 N on the Moon. 🌙',
    questions: [
      ['Would your mass change on the Moon?', 'no, only your weight'],
      ['In a vacuum, which lands first: a feather or a hammer?', 'both together'],
      ['In what unit do we measure weight?', 'newtons'],
    ],
  },
  {
    match: /\bcells?\b|mitochond|nucleus/iu,
    name: 'the cell',
    definition:
      'A cell is the smallest unit that is alive. Some living things are a single cell; a person is made of tens of trillions of them.',
    ideas: [
      'The **membrane** decides what goes in and out.',
      'The **nucleus** keeps the DNA, the instructions.',
      'The **mitochondria** release energy from food.',
      'Plant cells also have a stiff **wall** and **chloroplasts**.',
    ],
    example:
      'Think of a school: the gate is the membrane, the office is the nucleus, and the kitchen is the mitochondria. 🏫',
    questions: [
      ['Which part holds the DNA?', 'the nucleus'],
      ['What do plant cells have that ours do not?', 'a cell wall and chloroplasts'],
      ['Which part releases energy?', 'the mitochondria'],
    ],
  },
  {
    match: /volcano|lava|magma|earthquake|tectonic/iu,
    name: 'volcanoes and the moving Earth',
    definition:
      "The Earth's crust is broken into plates that drift a few centimetres a year. Where they meet or part, earthquakes shake and volcanoes grow.",
    ideas: [
      'Molten rock is called **magma** below the ground and **lava** above it. 🌋',
      'Plates pull apart, push together, or slide past each other.',
      'Most earthquakes happen where plates catch and then suddenly slip.',
    ],
    example:
      'Iceland sits where two plates part, and so it has both volcanoes and hot springs. The name of its volcano *Eyjafjallajökull* is a good tongue-twister.',
    questions: [
      ['What is magma called once it is outside?', 'lava'],
      ['How fast do plates move?', 'a few centimetres a year'],
      ['Where do most earthquakes happen?', 'at the edges of plates'],
    ],
  },
  {
    match: /french revolution|bastille|robespierre/iu,
    name: 'the French Revolution',
    definition:
      'The French Revolution (1789–1799) ended the absolute power of the king of France and spread the idea that all citizens have rights.',
    ideas: [
      '**Causes:** debt, dear bread, and taxes paid mainly by the Third Estate.',
      '**1789:** on 14 July a crowd storms the Bastille; in August comes the Declaration of the Rights of Man and of the Citizen.',
      '**1793–1794:** the Terror, led by Robespierre.',
      '**1799:** Napoléon takes power.',
    ],
    example: 'Its motto is still the motto of France: *Liberté, égalité, fraternité*.',
    questions: [
      ['What happened on 14 July 1789?', 'the storming of the Bastille'],
      ['Who paid most of the taxes?', 'the Third Estate'],
      ['Who took power in 1799?', 'Napoléon Bonaparte'],
    ],
  },
  {
    match: /python|\bloops?\b|programming|coding|\bcode\b/iu,
    name: 'loops in programming',
    definition: 'A loop tells the computer to repeat some lines, so that you write them only once.',
    ideas: [
      'A `for` loop repeats once for each item of a list or range.',
      'A `while` loop repeats as long as its condition is true.',
      'Make sure a `while` loop can end, or it runs for ever. 🔁',
    ],
    example:
      '```python\nfor number in range(1, 6):\n    print(number, "×", 7, "=", number * 7)\n```\n\nIt prints the first five lines of the 7 times table.',
    questions: [
      ['How often does `for i in range(3)` repeat?', '3 times: 0, 1, 2'],
      ['Which loop fits "until the user says stop"?', 'a while loop'],
      ['What is a loop that never ends called?', 'an infinite loop'],
    ],
  },
  {
    match: /noun|verbs?\b|adjective|grammar|parts of speech/iu,
    name: 'nouns, verbs and adjectives',
    definition:
      'Words have jobs. A **noun** names a person, place or thing; a **verb** says what happens; an **adjective** tells us more about a noun.',
    ideas: [
      'Can you put *the* before it? Then it is probably a noun: *the café*.',
      'Can you do it yesterday and tomorrow? Then it is a verb: *walk, walked, will walk*.',
      'Does it answer "what kind?" Then it is an adjective: *a **brave** girl*.',
    ],
    example:
      '| word | job |\n|---|---|\n| tiger | noun |\n| sleeps | verb |\n| striped | adjective |\n\n*The striped tiger sleeps.*',
    questions: [
      ['Find the verb: "Zoë paints a red door."', 'paints'],
      ['Find the adjective in the same sentence.', 'red'],
      ['Is "happiness" a noun?', 'yes: it names a thing, even one you cannot touch'],
    ],
  },
  {
    match: /shapes?\b|triangles?\b|polygon|2d|geometry/iu,
    name: 'shapes',
    definition:
      'A flat shape is described by its sides and corners. Shapes with straight sides are called polygons.',
    ideas: [
      'A **triangle** has 3 sides, a **quadrilateral** 4, a **hexagon** 6.',
      'A **square** has four equal sides and four right angles, so it is a special rectangle.',
      'A **circle** has no straight side and no corner. 🔵',
    ],
    example:
      'Shape hunt: a stop sign is an octagon, a slice of pizza is nearly a triangle, and honeycomb is made of hexagons.',
    questions: [
      ['How many corners has a hexagon?', '6'],
      ['Is every square a rectangle?', 'yes'],
      ['Which shape has no corners?', 'a circle'],
    ],
  },
  {
    match: /electric|circuit|battery|current|voltage/iu,
    name: 'electric circuits',
    definition:
      'An electric current is a flow of charge. It flows only if it has a closed path: a circuit. ⚡',
    ideas: [
      'The **battery** pushes (voltage, in volts), the **current** flows (in amperes), and parts **resist** (in ohms).',
      'In **series** there is one path: if one bulb fails, all go dark.',
      'In **parallel** each bulb has a path of its own.',
    ],
    example: "Ohm's law ties the three together:\n\n```text\nV = I × R      9 V = 0.5 A × 18 Ω\n```",
    questions: [
      ['What happens if you open the switch?', 'the circuit is broken and the current stops'],
      ['How are the lamps in a house connected?', 'in parallel'],
      ['6 V across 3 Ω: what current flows?', '2 A'],
    ],
  },
  {
    match: /multiplication|times tables?|multiply/iu,
    name: 'multiplication',
    definition:
      'Multiplication is a quick way to add equal groups: 4 × 3 means four groups of three, 3 + 3 + 3 + 3 = 12.',
    ideas: [
      'Order does not matter: 4 × 3 = 3 × 4.',
      'Anything × 1 stays the same; anything × 0 is 0.',
      'Hard ones can be split: 7 × 8 = 5 × 8 + 2 × 8 = 40 + 16 = **56**.',
    ],
    example:
      '| × | 6 | 7 | 8 |\n|---|---|---|---|\n| **6** | 36 | 42 | 48 |\n| **7** | 42 | 49 | 56 |\n| **8** | 48 | 56 | 64 |',
    questions: [
      ['6 × 7 = ?', '42'],
      ['8 × 8 = ?', '64'],
      ['Split 9 × 6 into two easier sums.', '10 × 6 − 6 = 54'],
    ],
  },
];

export function knownTopic(text: string): Topic | undefined {
  return TOPICS.find((topic) => topic.match.test(text));
}
