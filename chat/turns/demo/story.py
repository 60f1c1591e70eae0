"""The demo story, written by hand: a sealed letter, a late relief boat, a light, and a question to you."""

from chat.turns.demo.beats import (
    Aside,
    Beat,
    Cancels,
    Closes,
    Completes,
    Enters,
    Feels,
    Keeps,
    Leaves,
    Opens,
    Plans,
    Said,
    Starts,
    Writing,
)

LIGHT, BOAT, LETTER, CUTTER = "light", "boat", "letter", "cutter"

STORY: tuple[Beat, ...] = (
    Opens("The lamp room, past midnight", ("Mara", "Ilse", "Tom")),
    Said(
        "Mara",
        "*The beam goes round above your heads, once in twenty seconds, and in the dark between two turns Mara trims a "
        "wick that does not need it.* “In eleven years the boat has been two days late three times. Three times there "
        "was fog.” *She nods at the window, where every star is out.* “Find me the fog.”",
        (Plans(LIGHT, "Keep the light burning until dawn", "As on every night for eleven years."),),
    ),
    Said(
        "Ilse",
        "“There is none to find. Nine hundred and eighty-one and falling since noon, so there will be wind by morning; "
        "but tonight a child could row it.” *She turns the weather book so that the lamp can read it with her.* “If he "
        "has not put out by now, it is not the sea that keeps him.”",
    ),
    Said(
        "Tom",
        "*He sits on the coal box with his hands between his knees, the only one of you who has not looked at the "
        "window.* “Engine, likely. The Solveig’s engine’s older than I am.” *He laughs, a moment late.* “She’ll come. "
        "She’ll have the bread aboard, and we’ll all feel daft.”",
        (Plans(BOAT, "The Solveig comes with the bread", "Two days late, under a clear sky."),),
    ),
    Said(
        None,
        "I hang my wet coat by the stove. “I’ve been down to the landing. No light on the water, not one. But "
        "yesterday’s mailbag is on its hook, Mara, and somebody has cut the string. You told us there was nothing in "
        "it.”",
        (Keeps("Mara", "You went down to the landing in the dark, and asked about the mailbag before guessing.", 6),),
    ),
    Said(
        "Mara",
        "*The scissors stop.* “I told you there was nothing in it for you. That was not the same thing, and I knew it "
        "when I said it.”\n\n*From inside the old coat she takes an envelope, swollen with salt, the harbour master’s "
        "red seal whole, and lays it on the log where the light passes over it. You have time to read the hand before "
        "the dark comes round: To the Keeper of Skerry Vey. To be opened if the boat does not come.*",
        (
            Plans(LETTER, "Read the harbour master’s letter aloud", "To be opened if the boat does not come."),
            Keeps("Ilse", "Mara has had the harbour master’s letter since Wednesday and told nobody.", 8),
        ),
    ),
    Said(
        "Ilse",
        "“If the boat does not come.” *She says it as she reads out a pressure.* “The bag was in the water on "
        "Wednesday. So this was sealed on Tuesday, or before, while the Solveig still lay at the quay with her bread "
        "aboard.” *She does not touch it.* “I have stood at that key for two nights, Mara, calling a boat that "
        "somebody already knew was not coming. You might have told me. I would have noted the hour.”",
        (
            Cancels(BOAT),
            Keeps("Tom", "The letter was sealed before the boat was late: somebody knew that she would not sail.", 8),
            Feels("Ilse", "Mara", -2, "Ilse called two nights for a boat, and Mara had the letter in her coat."),
        ),
    ),
    Said(
        "Tom",
        "“You needn’t open it.” *He is on his feet. It is quiet enough to hear the clockwork under the floor; he seems "
        "to hear himself only then.* “I mean, it says the Keeper. It could be private. It could be anything, couldn’t "
        "it?”\n\n*There is tar on his cuff, black and wet. Nobody has had the boat-house open since Monday.* “I’ll see "
        "to the kettle,” *he says, and is down the first flight before anyone can tell him that the kettle is up "
        "here.*",
        (Keeps("Mara", "Tom left for a kettle that stands in this room, with wet tar on his cuff.", 7),),
        earlier=(
            Writing(
                "“Well, don’t look at me.” *He laughs, and the laugh goes up into the lamp and does not come down "
                "again.* “I only brought the coal.”",
            ),
            Writing(
                "*He has his hand on the envelope before anyone has seen him cross the room. Then he looks at the hand "
                "as if it were somebody else’s, and takes it away.* “Sorry. I don’t know why I did that.”",
                (Keeps("Mara", "Tom had his hand on the letter before he knew it himself.", 7),),
            ),
        ),
    ),
    Leaves("Tom"),
    Said(
        "Mara",
        "*She listens to his boots all the way down, a hundred and twelve steps, and then to a door that is not the "
        "kitchen’s.* “The boat-house. Go after him, Ilse, and gently. He has something to say and would rather be made "
        "to.”\n\n*Then she pushes the letter across the log, with one finger, until it touches your hand.* “You stay. "
        "You went down in the dark and looked, and then you came up and asked. That is more than I did. I am tired of "
        "being the only one on this rock who knows what she knows.”",
    ),
    Closes(
        "The relief boat was two days late under a clear sky. You found that somebody had cut the string of the "
        "mailbag, and Mara laid down what she had kept from it: a letter from the harbour master, to be opened if the "
        "boat does not come, and sealed, Ilse reckoned, before it could be late. Tom, with wet tar on his cuff, left "
        "for a kettle that was in the room. Mara sent Ilse after him and gave the letter to you.",
        {
            "Mara": "The relief boat was two days late under a clear sky. When you asked about the mailbag, Mara laid "
            "down the harbour master’s letter, which she had kept from everyone; Ilse took it hard. Tom slipped away "
            "to the boat-house with wet tar on his cuff. Mara sent Ilse after him and gave the letter to you, still "
            "sealed.",
            "Ilse": "The relief boat was two days late under a clear sky. Mara had kept a letter from the harbour "
            "master since Wednesday, sealed before the boat could be late. Tom left for a kettle that was in the room, "
            "with wet tar on his cuff, and Mara sent Ilse after him, gently, to the boat-house.",
            "Tom": "The relief boat was two days late under a clear sky. Mara laid down a letter from the harbour "
            "master, and Ilse reckoned that it was sealed before the boat could be late. Tom said that it need not be "
            "opened, and left for the kettle before anybody could ask him why.",
        },
    ),
    Opens("The lamp room, towards four", ("Mara",)),
    Said(
        None,
        "I turn the envelope over and set the knife under the seal. “The wax has been warmed twice. He closed it, and "
        "opened it, and closed it again. Before I cut it, Mara: what are you afraid it says?”",
        (Starts(LETTER),),
    ),
    Said(
        "Mara",
        "*She winds the clockwork, forty turns, and does not answer until the weight is up.* “That it asks me for "
        "something. Bad news a man shouts from the quay. He only seals what he wants done.” *The beam goes out over "
        "the water and comes back with nothing.* “In eleven years I have had one order: it burns from dusk to dawn. I "
        "never needed a second. Wait for Ilse. What one of us hears tonight, all of us hear.”",
        (Starts(LIGHT),),
    ),
    Aside(
        ("Ilse", "Tom"),
        "In the boat-house, where Tom thinks that nobody has followed him.",
        (
            Said(
                "Ilse",
                "*She stands in the door and holds the storm lantern low, so that it shows her boots and not his "
                "face.* “The skiff is tarred. The rowlocks are greased, and there is a coat over the bow that is "
                "nobody’s here. That makes three readings, Tom. I should like to know the figure they add up to.”",
                (Feels("Tom", "Ilse", 1, "She held the lantern away from his face when she asked."),),
            ),
            Said(
                "Tom",
                "*He opens his hand. He has held the coin so long that the king is printed on his palm.* “He said, see "
                "the bag goes over near the rock, and have the skiff ready. Smugglers, he said. But there’s a cutter "
                "in the lee with no lights on her, Ilse, so close I heard a man cough. They’ve a set aboard. It’s them "
                "on your wireless.” *It has all come at once, like water.* “You can say the rest, but don’t tell Mara "
                "I took money.”",
                (
                    Plans(CUTTER, "Take the skiff out to the cutter", "Tarred, greased, and ready for somebody."),
                    Keeps("Ilse", "Tom took the harbour master’s gold. He asked that Mara should not hear of it.", 9),
                    Keeps("Tom", "He told Ilse about the coin and the cutter, and felt lighter for it.", 7),
                ),
            ),
        ),
        ("Ilse", "Tom"),
        "Mara does not know that Tom took money from the harbour master.",
        "Ilse and Tom were alone when he said it, and he asked her to keep it from Mara.",
    ),
    Enters("Ilse"),
    Said(
        None,
        "I wait until Ilse has shut the door behind her. Then I break the seal and hold the sheet out across the log. "
        "“It is to the Keeper. Aloud, Mara. All of it.”",
    ),
    Said(
        "Mara",
        "*She reads it standing, in the voice she keeps for the weather.* “‘The Solveig stays in harbour by my order. "
        "On Friday, from four o’clock until five, you will let the light be out. Enter it as a fault of the wick. "
        "There will be bread on the next boat, and no questions. Burn this.’”\n\n*It has been Friday for nearly four "
        "hours. She lays the sheet down very straight, along the edge of the log.* “Eleven years. And he thinks that I "
        "would know how.”",
        (
            Completes(LETTER, "The letter was read aloud: the light is to be out from four until five."),
            Keeps("Ilse", "The harbour master kept the Solveig in, and ordered the light out from four to five.", 9),
        ),
        earlier=(
            Writing(
                "*She reads it to herself, folds it along its own folds and puts it away inside the coat.* “He is "
                "sorry about the bread.” *It takes a whole turn of the lamp before anyone understands that this is all "
                "she means to say.*",
            ),
        ),
    ),
    Said(
        "Ilse",
        "“Then I have something to enter, too.” *The pencil is out of her hair; the hand that holds it is not quite "
        "steady.* “The crackle since Tuesday is no weather. Somebody is keying, close by and badly, and a minute ago, "
        "as I passed the set, it was one word over and over: *dark*, and a figure four. I have a second reading now. "
        "Do not ask me whose.”\n\n*She turns the weather book to you, open at the line for four o’clock, which is "
        "empty.* “Visibility excellent. It is six minutes to the hour, and out there somebody is waiting for us to be "
        "a fault of the wick. You are the only one on this rock he forgot to give an order. What do I write?”",
        (
            Keeps(
                "Mara", "Somebody close by is keying “dark” and a four. Ilse knows more, and will not say from whom.", 8
            ),
        ),
        interjects=True,
    ),
)
