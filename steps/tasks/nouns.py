"""Everyday nouns of many fields, for prompts that start from words drawn by chance."""

from __future__ import annotations

_WORDS = """
accident account acid actor adapter advice airport alarm album algorithm allergy alloy altitude amplifier ancestor
anchor animation antenna apartment appetite apple apprentice aquarium archive army arrow asteroid athlete atlas
auction audience avalanche award axis bacteria baggage balance balcony ballot bamboo banana bandage bank bargain barn
barrel basket battery beach bean bee bell bicycle bill biography blanket blog blood board bone border bottle boundary
brain bread breakfast breath brick bridge broker bronze brush bubble budget bug building bus butter button cable
calendar camera campaign canal candle canvas capital carbon card career cargo carpet castle catalogue cave cell
ceremony chain chair chalk champion channel chapter charity chart cheese chemist chess chimney choir circuit citizen
city classroom climate clinic clock cloud coach coal coast code coffee coin colour comet comedy committee compass
composer computer concert concrete contract copper coral cotton council coupon court cousin crane crate credit crew
crime crop crowd crystal currency curtain customer cylinder dam dancer data deadline debate debt delivery democracy
desert design detective diagram dialect diamond diary dictionary diet discount disease dish distance doctor document
dolphin donor door dragon drama drawer dream drought drum dust eagle earthquake echo eclipse economy editor elbow
election electron elevator embassy emotion engine enzyme equation error essay estate evidence exam exhibition exile
expedition experiment export fabric fable factory falcon family farm fashion fatigue feather fence ferry festival
fever fiction film filter finger fire fish flag flavour fleet flight flood floor flour flower flute fog folder forest
fork formula fossil fountain fraction frame freezer friend frog fruit fuel fungus furniture galaxy gallery game garage
garden garlic gene ghost giant glacier glass glove goal grain grammar graph grass gravity grocery guard guest guide
guitar habit hammer harbour harvest hat headline health heat helmet herb hero hiking history hobby holiday honey
horizon horse hospital hostel hotel humour hurricane hygiene icon idiom income index industry infection ink insect
insurance interview invention invoice island jacket jazz jewel joke journal journey judge juice jungle jury kernel
kettle key keyboard kidney kitchen kite knife knot label laboratory labour ladder lake lamp landlord language laser
law lawyer leader leaf lecture legend lemon lens letter library licence light lighthouse lion liquid list loan lobby
logic lottery luggage lung machine magazine magnet mail manager map marathon marble margin market marriage mask matrix
meadow meal measurement medal medicine melody memory menu merchant message metal meteor method microscope migration
milk mineral minister mirror mission mist mobile model moisture molecule monk monument moon mosaic mosque motor
mountain mouse muscle museum mushroom music myth nail needle negotiation neighbour nest network neuron news noise
nomad noodle novel nurse nutrition oak oath ocean office oil olive opera opinion orbit orchard orchestra order organ
origin oven owl oxygen package paint palace pan paper parade paragraph parent park parliament password pasta patent
path patient pattern payment peace pedestrian pencil pendulum pension pepper permit perfume pet philosophy photograph
piano picnic pigment pilot pipe pirate plague plan planet plastic plate player poem poison police pollen pollution
pond port portrait pottery powder prediction pregnancy president price prison prize probability profit program promise
proof protein protest proverb puzzle pyramid quarry quarter queen queue quilt radar radio railway rain receipt recipe
recycling referee refugee region religion rent report reptile rescue restaurant retirement rhythm rice riddle river
road robot rocket roof rope rose rumour sail salad salary salt sample sand satellite sauce scale schedule school
science scissors score screen script sculpture sea season seed sensor sentence shadow shark sheep shelter ship shoe
shop signal silence silk silver skill skin sleep smoke snail snow soap soccer software soil soldier song soup spark
speech spice spider sponge spoon sport spring square stadium stage stairs stamp star statistics statue steam steel
stomach stone storage storm strategy stream strike student subway sugar suitcase summary surgery survey swamp symbol
symmetry symphony syntax table tailor tale tax taxi tea teacher teamwork telescope temple tenant tent theatre theorem
thermometer thread thunder ticket tide tiger timber timetable tissue toast tool tooth tourist tower toy trade
tradition traffic train translation trap treaty tree triangle trophy tunnel turbine turtle twin umbrella uniform
universe vaccine valley valve vegetable vehicle velocity verb victory village vinegar violin virus visa vitamin voice
volcano volunteer voter voyage wage wall wallet warehouse warranty watch water wave weather website wedding weight
whale wheat wheel whisper wind window wine winter witness wolf wood wool workshop worm wound yard yeast youth zebra
zero zoo
"""

NOUNS = _WORDS.split()
